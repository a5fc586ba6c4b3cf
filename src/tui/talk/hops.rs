//! How a later link came to write a draft, in one line.

use crate::{
    desk::face::Running,
    domain::{Attempt, FaultClass, Receipt},
    tui::{paint::safe, words},
};

/// Returns the one line that says how a later link came to write the draft.
pub fn fallback_line(receipt: &Receipt) -> Option<String> {
    let answer = receipt.answer().filter(|_| receipt.is_fallback())?;
    let failed: Vec<&Attempt> = receipt
        .attempts
        .iter()
        .filter(|attempt| attempt.no != answer.no)
        .collect();
    let lost: std::time::Duration = failed.iter().map(|attempt| attempt.delayed(answer)).sum();
    let mut text = format!(
        "↪ fallback: {} → {} ok",
        hops(&failed, receipt),
        safe(&answer.link.to_string())
    );
    if !lost.is_zero() {
        let tenths = lost.as_millis().div_ceil(100);
        text = format!("{text}  +{}.{}s", tenths / 10, tenths % 10);
    }
    if let Some(first) = receipt.first_choice_cost {
        text = format!("{text}  {}", words::difference(receipt.cost(), first));
    }
    Some(text)
}

/// Writes failed attempts shortly: `anthropic 429`; where none was made, why the first was skipped.
fn hops(failed: &[&Attempt], receipt: &Receipt) -> String {
    let mut parts: Vec<String> = Vec::new();
    for attempt in failed {
        let part = format!("{} {}", safe(&attempt.link.provider.0), reason(attempt));
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty()
        && let Some(skipped) = receipt.skipped.first()
    {
        parts.push(format!(
            "{} {}",
            safe(&skipped.link.provider.0),
            skipped.because.words()
        ));
    }
    parts.join(" → ")
}

/// Returns why an attempt failed, as shortly as can be: the status, else a word.
pub fn reason(attempt: &Attempt) -> String {
    match (attempt.class, attempt.status) {
        (Some(FaultClass::Cut), _) => "cut off".to_owned(),
        (Some(_), Some(status)) if status >= 300 => status.to_string(),
        (_, _) => attempt.outcome().to_owned(),
    }
}

/// Returns what became of earlier attempts of a running draft, if there were any.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other class has words of its own"
)]
pub(super) fn running_hops(state: &Running) -> Option<String> {
    let link = state
        .link
        .as_ref()
        .map_or_else(|| "the next".to_owned(), ToString::to_string);
    if let Some(void) = &state.void {
        let because = match void.because {
            FaultClass::Cut => "cut off",
            other => other.words(),
        };
        return Some(format!(
            "switched: {} {because} → {}",
            safe(&void.link.provider.0),
            safe(&link)
        ));
    }
    let failed: Vec<String> = state
        .attempts
        .iter()
        .filter(|attempt| attempt.class.is_some())
        .map(|attempt| format!("{} {}", safe(&attempt.link.provider.0), reason(attempt)))
        .collect();
    (!failed.is_empty()).then(|| format!("↪ {} → {}", failed.join(" → "), safe(&link)))
}
