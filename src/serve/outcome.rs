//! What a caller is told when there is no answer: which kind of failure it is, from the receipt.

use std::time::Duration;

use super::{
    dialect::{Refusal, RefusalKind},
    read::busy,
};
use crate::{
    domain::{Attempt, CapName, Ending, FaultClass, Receipt, SkipReason, Timestamp, Usd},
    engine::lesson::UNNAMED_REST,
};

/// How the words begin where nobody answered.
pub(super) const NO_ANSWER: &str = "No model answered.";

/// What a refusal depends on beside the receipt.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// Now.
    pub now: Timestamp,
    /// Which limit denied it.
    pub denied: Option<Limit>,
}

/// A limit of what may be spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Which.
    pub name: CapName,
    /// How much it is; none where it is not known any more.
    pub amount: Option<Usd>,
    /// When its count starts anew.
    pub lifts: Timestamp,
    /// Whether others hold enough that may come back before that.
    pub may_pass: bool,
}

/// Returns what a caller is told of a request without an answer.
pub(super) fn refusal(receipt: &Receipt, around: &Around) -> Refusal {
    let ended_by = |class| of_class(receipt, class);
    match receipt.ending {
        Ending::BadInput => of_caller(RefusalKind::BadInput, ended_by(FaultClass::BadInput)),
        Ending::TooLong => of_caller(RefusalKind::TooLong, ended_by(FaultClass::TooLong)),
        Ending::Refused => of_caller(RefusalKind::Declined, ended_by(FaultClass::Refused)),
        Ending::OverCap => over_cap(receipt, around),
        Ending::KeyRefused => key_refused(receipt),
        Ending::Cancelled => busy("deskhand is being stopped; ask again."),
        Ending::Failed
        | Ending::Offline
        | Ending::NoLink
        | Ending::Lost
        | Ending::Answered
        | Ending::Truncated => failed(receipt, around),
    }
}

/// Returns the attempt that a run ended by: another may have been asked beside it.
pub(super) fn of_class(receipt: &Receipt, class: FaultClass) -> Option<&Attempt> {
    let mut attempts = receipt.attempts.iter().rev();
    attempts
        .find(|attempt| attempt.class == Some(class))
        .or_else(|| receipt.attempts.last())
}

/// The request itself is at fault: the provider's own status and words.
fn of_caller(kind: RefusalKind, last: Option<&Attempt>) -> Refusal {
    let said = last.and_then(|attempt| attempt.said.as_deref());
    let message = match (said, last) {
        (Some(said), Some(attempt)) => format!("{}: {said}", attempt.link),
        (None, Some(attempt)) => format!("{} did not accept the request.", attempt.link),
        (_, None) => "No model can take this request.".to_owned(),
    };
    let status = last
        .and_then(|attempt| attempt.status)
        .filter(|status| (400..500).contains(status));
    Refusal {
        status: status.unwrap_or_else(|| kind.status()),
        ..Refusal::new(kind, message)
    }
}

fn over_cap(receipt: &Receipt, around: &Around) -> Refusal {
    let limit = around.denied;
    let name = limit.map_or("the cap", |limit| limit.name.words());
    let command = limit.map_or(CapName::Month, |limit| limit.name).command();
    let amount = limit.and_then(|limit| limit.amount);
    let amount = amount.map_or_else(String::new, |amount| format!(" ({})", amount.for_people()));
    let lifts = limit.map(|limit| limit.lifts);
    let may_pass = limit.is_some_and(|limit| limit.may_pass);
    let mut until = lifts.map_or_else(String::new, |lifts| {
        format!(" It counts anew at {}.", short(lifts))
    });
    if may_pass {
        until.push_str(
            " Other requests hold enough of it that may come back: ask again in a moment.",
        );
    }
    let before = if receipt.attempts.is_empty() {
        "nothing was sent.".to_owned()
    } else {
        format!("before that: {}", story(receipt))
    };
    Refusal {
        code: Some("spend_cap_reached".to_owned()),
        retry_after: lifts
            .and_then(|lifts| wait(lifts, around.now))
            .into_iter()
            .chain(may_pass.then_some(UNNAMED_REST))
            .min(),
        ..Refusal::new(
            RefusalKind::OverCap,
            format!(
                "What is left of {name}{amount} does not pay for this request; {before}{until} \
                 `{command}` raises it."
            ),
        )
    }
}

/// A provider refused the key of this server: a caller who reads 401 would change his token.
fn key_refused(receipt: &Receipt) -> Refusal {
    let words = format!(
        "A provider refused deskhand's own key; your token is good. {}",
        story(receipt)
    );
    Refusal {
        code: Some("provider_key_refused".to_owned()),
        ..Refusal::new(RefusalKind::Auth, words)
    }
}

fn failed(receipt: &Receipt, around: &Around) -> Refusal {
    let asked = receipt.attempts.iter().filter_map(|attempt| attempt.class);
    let skipped = receipt
        .skipped
        .iter()
        .filter_map(|skipped| skip_class(&skipped.because));
    if needs_a_price(receipt) {
        return without_price(receipt);
    }
    // Those that were asked say what is wrong; what was left out only where nobody was asked.
    let mut classes: Vec<FaultClass> = asked.collect();
    if classes.is_empty() {
        classes.extend(skipped);
    }
    let kind = classes
        .last()
        .copied()
        .map_or(RefusalKind::Overloaded, kind_of);
    // One that a caller can wait for wins over one he cannot: another link may be free by then.
    let kind = if classes.contains(&FaultClass::RateLimited) {
        RefusalKind::RateLimited
    } else {
        kind
    };
    if kind == RefusalKind::Auth {
        return key_refused(receipt);
    }
    // Without any class nothing was asked for want of a key, say: that does not pass by itself.
    let passes =
        !classes.is_empty() && matches!(kind, RefusalKind::RateLimited | RefusalKind::Overloaded);
    let named = receipt
        .attempts
        .iter()
        .filter_map(|attempt| attempt.retry_after);
    let rests = receipt
        .skipped
        .iter()
        .filter_map(|skipped| match &skipped.because {
            SkipReason::Resting { until, .. }
            | SkipReason::Open { until }
            | SkipReason::RestedByHand { until } => wait(*until, around.now),
            SkipReason::NotNeeded
            | SkipReason::RunEnded
            | SkipReason::KeyInvalid
            | SkipReason::NoKey
            | SkipReason::KeyNotAvailable(_)
            | SkipReason::OverCap
            | SkipReason::NoPrice
            | SkipReason::TooSmall
            | SkipReason::NotUsable(_)
            | SkipReason::NoLedger(_) => None,
        });
    Refusal {
        code: (kind == RefusalKind::UnknownModel).then(|| "model_not_found".to_owned()),
        retry_after: named.chain(rests).min().or(passes.then_some(UNNAMED_REST)),
        ..Refusal::new(kind, format!("{NO_ANSWER} {}", story(receipt)))
    }
}

/// Tells whether nobody was asked for want of a price alone: asking again changes nothing.
fn needs_a_price(receipt: &Receipt) -> bool {
    let mut others = receipt.skipped.iter().filter(|skipped| {
        !matches!(
            skipped.because,
            SkipReason::NotNeeded | SkipReason::RunEnded
        )
    });
    let first = others.next();
    receipt.attempts.is_empty()
        && first.is_some_and(|first| first.because == SkipReason::NoPrice)
        && others.all(|skipped| skipped.because == SkipReason::NoPrice)
}

fn without_price(receipt: &Receipt) -> Refusal {
    let words = format!(
        "{NO_ANSWER} {} [models.\"PROVIDER/MODEL\"] in the config gives a model a price; `[spend] \
         allow_unknown_prices = true` lets it be asked without one.",
        story(receipt)
    );
    Refusal::new(RefusalKind::BadInput, words)
}

const fn kind_of(class: FaultClass) -> RefusalKind {
    match class {
        FaultClass::RateLimited => RefusalKind::RateLimited,
        FaultClass::OutOfCredit => RefusalKind::NoCredit,
        FaultClass::Overloaded => RefusalKind::Overloaded,
        FaultClass::TimedOut => RefusalKind::TimedOut,
        FaultClass::ModelGone => RefusalKind::UnknownModel,
        FaultClass::KeyRefused => RefusalKind::Auth,
        FaultClass::BadInput => RefusalKind::BadInput,
        FaultClass::TooLong => RefusalKind::TooLong,
        FaultClass::Refused => RefusalKind::Declined,
        FaultClass::OverCap => RefusalKind::OverCap,
        FaultClass::ServerError
        | FaultClass::Unreachable
        | FaultClass::Empty
        | FaultClass::Cut
        | FaultClass::Truncated
        | FaultClass::Cancelled => RefusalKind::Upstream,
    }
}

const fn skip_class(because: &SkipReason) -> Option<FaultClass> {
    match because {
        SkipReason::Resting { because, .. } => Some(*because),
        SkipReason::KeyInvalid => Some(FaultClass::KeyRefused),
        SkipReason::OverCap => Some(FaultClass::OverCap),
        SkipReason::TooSmall => Some(FaultClass::TooLong),
        // A fault of the config, or of this server: nothing that the caller could mend.
        SkipReason::NoPrice | SkipReason::NotUsable(_) => Some(FaultClass::ServerError),
        SkipReason::NotNeeded
        | SkipReason::RunEnded
        | SkipReason::Open { .. }
        | SkipReason::RestedByHand { .. }
        // Nobody refused a key: this server is not ready, and a caller's token has no part in it.
        | SkipReason::NoKey
        | SkipReason::KeyNotAvailable(_)
        | SkipReason::NoLedger(_) => None,
    }
}

/// Tells each link's reason, in order.
fn story(receipt: &Receipt) -> String {
    let asked = receipt.attempts.iter().filter_map(|attempt| {
        let class = attempt.class?;
        let status = attempt
            .status
            .filter(|status| *status >= 400)
            .map_or_else(String::new, |status| format!(" ({status})"));
        let said = attempt
            .said
            .as_deref()
            .map_or_else(String::new, |said| format!(": {said}"));
        Some(format!("{}: {}{status}{said}", attempt.link, class.words()))
    });
    let skipped = receipt
        .skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.link, skipped.because.words()));
    let mut all: Vec<String> = asked.chain(skipped).collect();
    // The last one is asked twice where that may help.
    all.dedup();
    if all.is_empty() {
        return "There is no link to ask: set a key with `deskhand keys set`.".to_owned();
    }
    let all = all.join("; ");
    // A provider may have written a whole sentence.
    let end = if all.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{all}{end}")
}

fn wait(until: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(until.duration_since(now)).ok()
}

fn short(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
