//! An answer that is read as it comes. Headers go out when the model has begun, so that a failure
//! before that still has its true status; after that a failure is an error in the stream, without a
//! finish and an end mark.

use std::{sync::Arc, time::Duration};

use futures::stream;
use hyper::{Response, body::Bytes};
use tokio::time::timeout;

use super::{
    body::AnswerBody,
    dialect::{Encoder, Refusal, RefusalKind, Stopped},
    leave::Coming,
    outcome::{NO_ANSWER, of_class},
    server::Server,
    spell::{Refused, Speech, declined, declined_head, put, put_head, refused},
};
use crate::desk::serving::{Hearer, Passed, Passing, Piece, Told};
use crate::domain::{FaultClass, ReceiptId};

/// How long a line may be silent before a comment goes out.
const SILENCE: Duration = Duration::from_secs(10);

/// A stream under way.
struct Streaming {
    receipt: ReceiptId,
    told: Hearer,
    coming: Coming,
    speech: Speech,
    encoder: Option<Box<dyn Encoder>>,
    is_verbatim: bool,
    /// What was told before the headers went out.
    waiting: Vec<Told>,
    is_over: bool,
}

/// Answers piece by piece.
pub(super) async fn answer(
    server: Arc<Server>,
    passing: Passing,
    speech: Speech,
) -> Response<AnswerBody> {
    let receipt = passing.receipt;
    let (mut coming, mut told) = Coming::new(server, passing);
    let (waiting, head) = match coming.begun(&mut told, SILENCE).await {
        Ok(Some(waiting)) => {
            let head = waiting.iter().find_map(|told| match told {
                Told::Head(head) => Some(head.clone()),
                Told::Piece(_) => None,
            });
            (waiting, head)
        }
        // Nothing was told: there is no answer, and its status is still ours to give.
        Ok(None) => return without_answer(coming, receipt, &speech).await,
        // A model that thinks for long: the headers keep the line, comments keep it alive.
        Err(_) => (Vec::new(), None),
    };
    let framing = speech.framing;
    let streaming = Streaming {
        receipt,
        told,
        coming,
        speech,
        encoder: None,
        is_verbatim: false,
        waiting,
        is_over: false,
    };
    let pieces = stream::unfold(streaming, |mut streaming| async move {
        let bytes = streaming.next().await?;
        Some((bytes, streaming))
    });
    let mut answer = Response::new(AnswerBody::Stream(Box::pin(pieces)));
    put(&mut answer, "content-type", framing.content_type());
    put(&mut answer, "cache-control", "no-cache");
    put_head(&mut answer, receipt, head.as_ref());
    answer
}

async fn without_answer(
    mut coming: Coming,
    receipt: ReceiptId,
    speech: &Speech,
) -> Response<AnswerBody> {
    let (refusal, attempts) = match coming.passed().await {
        Some(passed) => {
            if let Some(words) = declined(&passed) {
                return declined_answer(&passed, words, speech);
            }
            (coming.refusal(&passed), passed.receipt.attempts.len())
        }
        None => (broken(), 0),
    };
    let mut answer = refused(&Refused {
        dialect: speech.dialect,
        refusal: &refusal,
        receipt: Some(receipt),
    });
    put(&mut answer, "x-deskhand-attempts", &attempts.to_string());
    answer
}

/// A model that declined before its first word: a stream of that alone.
fn declined_answer(passed: &Passed, words: &str, speech: &Speech) -> Response<AnswerBody> {
    let model = of_class(&passed.receipt, FaultClass::Refused).map_or("", |last| {
        let named = last.answered_by.as_deref();
        named.unwrap_or(&last.link.model.0)
    });
    let head = speech.head(passed.receipt.id, model);
    let mut encoder = speech.dialect.encoder(head);
    let mut bytes = encoder.begin();
    bytes.extend(encoder.end(&Stopped::Refused(words.to_owned()), &passed.closing.usage));
    let mut answer = Response::new(AnswerBody::whole(bytes));
    put(&mut answer, "content-type", speech.framing.content_type());
    put_head(
        &mut answer,
        passed.receipt.id,
        declined_head(passed).as_ref(),
    );
    answer
}

fn broken() -> Refusal {
    Refusal::new(
        RefusalKind::Internal,
        "deskhand could not go on. Its log says why.",
    )
}

impl Streaming {
    /// Returns the next bytes; none when the body is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.is_over {
                return None;
            }
            let told = std::mem::take(&mut self.waiting);
            let told = if told.is_empty() {
                match timeout(SILENCE, self.told.hear()).await {
                    Ok(told) => told,
                    Err(_) => return Some(Bytes::from_static(self.comment())),
                }
            } else {
                Some(told)
            };
            self.is_over = told.is_none();
            let bytes = match told {
                Some(told) => self.spell(told),
                None => self.last().await,
            };
            if !bytes.is_empty() {
                return Some(bytes.into());
            }
        }
    }

    fn comment(&self) -> &'static [u8] {
        if let Some(encoder) = &self.encoder {
            return encoder.comment();
        }
        let head = self.speech.head(self.receipt, "");
        self.speech.dialect.encoder(head).comment()
    }

    fn spell(&mut self, told: Vec<Told>) -> Vec<u8> {
        let mut out = Vec::new();
        for told in told {
            match told {
                Told::Head(head) => {
                    let known = self.speech.head(self.receipt, &head.model);
                    let mut encoder = self.speech.dialect.encoder(known);
                    self.is_verbatim = head.is_verbatim;
                    if !head.is_verbatim {
                        out.extend(encoder.begin());
                    }
                    self.encoder = Some(encoder);
                }
                Told::Piece(piece) => {
                    let Some(encoder) = &mut self.encoder else {
                        continue;
                    };
                    out.extend(match piece {
                        Piece::Text(text) => encoder.text(&text),
                        Piece::Call(call) => encoder.call(&call),
                        Piece::Verbatim(event) => encoder.verbatim(&event),
                    });
                }
            }
        }
        out
    }

    /// Spells the end: of a whole answer, or of one that broke off.
    async fn last(&mut self) -> Vec<u8> {
        if self.told.has_gap() {
            // Counted all the same; whatever the run came to, this client has not all of it.
            drop(self.coming.passed().await);
            let words = "The answer broke off: too much of it was left lying unread.";
            return self.fault(&Refusal::new(RefusalKind::Upstream, words));
        }
        let Some(passed) = self.coming.passed().await else {
            return self.fault(&broken());
        };
        let is_answered = passed.receipt.ending.has_text();
        let words = declined(&passed).map(str::to_owned);
        match &mut self.encoder {
            // The provider's own events have said it.
            Some(encoder) if (is_answered || words.is_some()) && self.is_verbatim => {
                encoder.passed_on()
            }
            Some(encoder) if words.is_some() => {
                let stop = Stopped::Refused(words.unwrap_or_default());
                encoder.end(&stop, &passed.closing.usage)
            }
            Some(encoder) if is_answered => {
                encoder.end(&Speech::stopped(&passed.closing), &passed.closing.usage)
            }
            begun @ (Some(_) | None) => {
                let mut refusal = self.coming.refusal(&passed);
                if begun.is_some()
                    && let Some(story) = refusal.message.strip_prefix(NO_ANSWER)
                {
                    refusal.message = format!("The answer broke off.{story}");
                }
                self.fault(&refusal)
            }
        }
    }

    fn fault(&mut self, refusal: &Refusal) -> Vec<u8> {
        let receipt = self.receipt;
        let encoder = self.encoder.get_or_insert_with(|| {
            let head = self.speech.head(receipt, "");
            self.speech.dialect.encoder(head)
        });
        encoder.fault(refusal)
    }
}
