//! The demo's tour as data: what each draft meets, and what to say about it.

use crate::sim::{Family, Fault, Step};

/// One stop of the tour.
struct Stop {
    /// What the first provider does to the draft made here.
    anthropic: Option<Fault>,
    /// What the second provider does to it.
    openai: Option<Fault>,
    /// What is said before it is made.
    hint: &'static str,
}

/// The stops, the first of them made before the desk opens. After the refused key the second
/// provider is asked first.
const STOPS: [Stop; 6] = [
    Stop {
        anthropic: Some(Fault::RateLimit(41)),
        openai: None,
        hint: "",
    },
    Stop {
        anthropic: None,
        openai: None,
        hint: "This draft came from the backup: the receipt says why. Press d for another one.",
    },
    Stop {
        anthropic: Some(Fault::Cut(25)),
        openai: None,
        hint: "That one was clean. Press d again and watch an answer break off in mid-sentence.",
    },
    Stop {
        anthropic: Some(Fault::WrongKey),
        openai: None,
        hint: "The backup wrote it anew, whole. Press d: next a provider refuses its key.",
    },
    Stop {
        anthropic: None,
        openai: Some(Fault::Refusal),
        hint: "The key is marked, the desk goes on with the backup. Press d: a model declines.",
    },
    Stop {
        anthropic: None,
        openai: None,
        hint: "Nobody else is asked after a refusal. Press d a few more times and watch the meter.",
    },
];

/// What is said when all stops are behind.
const AFTER: &str = "At the cap drafting pauses and the rest goes on; + raises it. q leaves.";

/// Returns what the simulator does to the draft number `step`, 0 being the first.
pub(super) fn steps(step: u32) -> Vec<Step> {
    let Some(here) = usize::try_from(step).ok().and_then(|at| STOPS.get(at)) else {
        return Vec::new();
    };
    [
        (Family::Anthropic, here.anthropic),
        (Family::OpenAi, here.openai),
    ]
    .into_iter()
    .filter(|(_, fault)| fault.is_some())
    .map(|(family, fault)| Step { family, fault })
    .collect()
}

/// Returns what to try next when `step` drafts have been made.
pub(super) fn hint(step: u32) -> &'static str {
    let at = usize::try_from(step).unwrap_or(usize::MAX);
    STOPS
        .get(at)
        .or_else(|| STOPS.last().filter(|_| at <= STOPS.len() + 2))
        .map_or(AFTER, |stop| stop.hint)
}
