//! Answers and refusals as HTTP: bodies in a dialect, and headers that say what happened.

use hyper::{
    Response, StatusCode,
    ext::ReasonPhrase,
    header::{HeaderName, HeaderValue},
};

use super::{
    body::AnswerBody,
    dialect::{Answer, Dialect, Framing, Head, Refusal, Stopped},
    outcome::of_class,
};
use crate::{
    desk::serving::{self, Passed, Piece},
    domain::{Ending, FaultClass, ReceiptId},
    engine::{
        answer::{CallPiece, Verbatim},
        ask::tools::ToolCall,
    },
};

/// The longest value of a header that tells why; a chain may have many links.
const LONGEST: usize = 512;

/// Anthropic's status where nobody has room.
const OVERLOADED: u16 = 529;

/// An answer of this server.
pub(super) type HttpAnswer = Response<AnswerBody>;

/// A refusal, in the dialect it is to be told in.
pub(super) struct Refused<'a> {
    pub dialect: &'static dyn Dialect,
    pub refusal: &'a Refusal,
    pub receipt: Option<ReceiptId>,
}

/// How an answer is spelled.
pub(super) struct Speech {
    pub dialect: &'static dyn Dialect,
    pub framing: Framing,
    pub wants_usage: bool,
    /// In seconds since 1970.
    pub created: i64,
    /// Its place among the requests that are answered at once, and the room of its body.
    pub _place: [tokio::sync::OwnedSemaphorePermit; 2],
}

impl Speech {
    /// Returns what is known of an answer when it begins.
    pub(super) fn head(&self, receipt: ReceiptId, model: &str) -> Head {
        Head {
            id: receipt.uuid().simple().to_string(),
            model: model.to_owned(),
            created: self.created,
            framing: self.framing,
            wants_usage: self.wants_usage,
        }
    }

    /// Says why the model stopped, in words that a dialect has.
    pub(super) fn stopped(closing: &serving::Closing) -> Stopped {
        match closing.stop {
            serving::Stopped::End => Stopped::End,
            serving::Stopped::Limit => Stopped::Limit,
            serving::Stopped::Calls => Stopped::Calls,
            serving::Stopped::Sequence => Stopped::Sequence(closing.sequence.clone()),
        }
    }
}

/// Spells a whole answer; none if there is none.
pub(super) fn spell(passed: &Passed, speech: &Speech) -> Option<Vec<u8>> {
    if let Some(words) = declined(passed) {
        // A provider of the caller's own family said it in the caller's dialect.
        if let Some(Piece::Verbatim(Verbatim::Body(body))) = passed.pieces.last() {
            return Some(body.clone());
        }
        return Some(spell_refusal(passed, words, speech));
    }
    let head = passed.head.as_ref()?;
    let (mut text, mut calls) = (String::new(), Vec::<ToolCall>::new());
    for piece in &passed.pieces {
        match piece {
            Piece::Verbatim(Verbatim::Body(body)) => return Some(body.clone()),
            Piece::Verbatim(Verbatim::Event { .. }) => {}
            Piece::Text(piece) => text.push_str(piece),
            Piece::Call(piece) => add_call(&mut calls, piece),
        }
    }
    let answer = Answer {
        text,
        calls,
        stop: Speech::stopped(&passed.closing),
        usage: passed.closing.usage.clone(),
    };
    Some(
        speech
            .dialect
            .whole(&speech.head(passed.receipt.id, &head.model), &answer),
    )
}

/// Returns the words of a model that declined in an answer of its own: such an answer is passed on as
/// one, with the stop that says so.
pub(super) fn declined(passed: &Passed) -> Option<&str> {
    let last = of_class(&passed.receipt, FaultClass::Refused)?;
    let is_answer = passed.receipt.ending == Ending::Refused && last.status == Some(200);
    is_answer.then(|| last.said.as_deref().unwrap_or("The model declined."))
}

/// Returns who declined and what came before, for the headers; none if nobody did.
pub(super) fn declined_head(passed: &Passed) -> Option<serving::Head> {
    declined(passed)?;
    serving::Head::of(&passed.receipt)
}

fn spell_refusal(passed: &Passed, words: &str, speech: &Speech) -> Vec<u8> {
    let last = of_class(&passed.receipt, FaultClass::Refused);
    let model = last.map_or("", |attempt| {
        let named = attempt.answered_by.as_deref();
        named.unwrap_or(&attempt.link.model.0)
    });
    let answer = Answer {
        text: String::new(),
        calls: Vec::new(),
        stop: Stopped::Refused(words.to_owned()),
        usage: last
            .map(|attempt| attempt.usage.clone())
            .unwrap_or_default(),
    };
    speech
        .dialect
        .whole(&speech.head(passed.receipt.id, model), &answer)
}

fn add_call(calls: &mut Vec<ToolCall>, piece: &CallPiece) {
    let place = usize::try_from(piece.index)
        .unwrap_or(usize::MAX)
        .min(calls.len());
    if place == calls.len() {
        calls.push(ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        });
    }
    let Some(call) = calls.get_mut(place) else {
        return;
    };
    if let Some(id) = &piece.id {
        call.id.clone_from(id);
    }
    if let Some(name) = &piece.name {
        call.name.clone_from(name);
    }
    call.arguments.push_str(&piece.arguments);
}

/// Spells a refusal.
pub(super) fn refused(refused: &Refused<'_>) -> HttpAnswer {
    let id = refused.receipt.map_or_else(
        || uuid::Uuid::now_v7().simple().to_string(),
        |id| id.uuid().simple().to_string(),
    );
    let request = format!("req_{id}");
    let body = refused.dialect.error(refused.refusal, &request);
    let status = refused.dialect.status(refused.refusal);
    let mut answer = json(
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY),
        body,
    );
    if status == OVERLOADED {
        // No standard has a word for it: curl would show none.
        let reason = ReasonPhrase::from_static(b"Overloaded");
        answer.extensions_mut().insert(reason);
    }
    if let Some(methods) = refused.refusal.allow {
        put(&mut answer, "allow", methods);
    }
    put(&mut answer, "request-id", &request);
    put(&mut answer, "x-request-id", &request);
    if let Some(receipt) = refused.receipt {
        put(&mut answer, "x-deskhand-receipt", &receipt.to_string());
    }
    if let Some(wait) = refused.refusal.retry_after {
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        put(&mut answer, "retry-after", &seconds.to_string());
    }
    answer
}

/// Puts what happened into the headers of an answer.
pub(super) fn put_head(answer: &mut HttpAnswer, receipt: ReceiptId, head: Option<&serving::Head>) {
    let request = format!("req_{}", receipt.uuid().simple());
    put(answer, "request-id", &request);
    put(answer, "x-request-id", &request);
    put(answer, "x-deskhand-receipt", &receipt.to_string());
    let Some(head) = head else { return };
    put(answer, "x-deskhand-attempts", &head.attempts.to_string());
    put(answer, "x-deskhand-link", &head.link.to_string());
    if let Some(why) = &head.fallback {
        let why: String = why.chars().take(LONGEST).collect();
        put(answer, "x-deskhand-fallback", &why);
    }
}

pub(super) fn json(status: StatusCode, body: Vec<u8>) -> HttpAnswer {
    let mut answer = Response::new(AnswerBody::whole(body));
    *answer.status_mut() = status;
    put(&mut answer, "content-type", "application/json");
    answer
}

/// Puts a header in; characters that no header may have become `?`.
pub(super) fn put(answer: &mut HttpAnswer, name: &'static str, value: &str) {
    let is_tame = |c: char| c.is_ascii_graphic() || c == ' ';
    let value = if value.bytes().all(|byte| is_tame(char::from(byte))) {
        HeaderValue::from_str(value)
    } else {
        let tame = value.chars().map(|c| if is_tame(c) { c } else { '?' });
        HeaderValue::from_str(&tame.collect::<String>())
    };
    if let Ok(value) = value {
        answer
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{LinkName, ProviderKind},
        serve::dialect::{RefusalKind, dialect},
    };

    #[test]
    fn a_status_that_no_standard_knows_has_a_word() {
        let refusal = Refusal::new(RefusalKind::Overloaded, "full");
        for (kind, status, word) in [
            (ProviderKind::Anthropic, 529, Some(&b"Overloaded"[..])),
            (ProviderKind::OpenAi, 503, None),
        ] {
            let answer = refused(&Refused {
                dialect: dialect(kind),
                refusal: &refusal,
                receipt: None,
            });
            let said = answer.extensions().get::<ReasonPhrase>();
            assert_eq!(answer.status(), status);
            assert_eq!(said.map(ReasonPhrase::as_bytes), word);
        }
    }

    #[test]
    fn a_long_reason_is_cut_in_a_header() {
        let mut answer = json(StatusCode::OK, Vec::new());
        let head = serving::Head {
            link: LinkName::new("a", "x"),
            model: "x".to_owned(),
            attempts: 2,
            fallback: Some("é".repeat(5_000)),
            is_verbatim: false,
        };

        put_head(&mut answer, ReceiptId::new(Uuid::nil()), Some(&head));

        let why = &answer.headers()["x-deskhand-fallback"];
        assert_eq!(why.len(), LONGEST);
    }
}
