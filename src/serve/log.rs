//! What a person at the server's terminal reads: who failed, why, and who answered instead. Never a
//! body, never a key.

use crate::{
    desk::Settings,
    domain::{Attempt, Ending, FaultClass, LinkName, Receipt},
};

/// What is said of one request.
pub(super) struct Line<'a> {
    pub receipt: &'a Receipt,
    pub settings: &'a Settings,
}

impl Line<'_> {
    /// Returns the lines; none where the first link answered.
    pub(super) fn words(&self) -> Vec<String> {
        let mut lines = self.skips();
        let answer = self.receipt.answer();
        let mut attempts = self.receipt.attempts.iter().peekable();
        while let Some(attempt) = attempts.next() {
            if Some(attempt) == answer {
                if !lines.is_empty() {
                    let provider = self.settings.title(&attempt.link.provider);
                    lines.push(format!("✓ {provider} responded successfully."));
                }
                continue;
            }
            // Another was faster, or the caller went away: nobody failed.
            if attempt.class == Some(FaultClass::Cancelled) {
                continue;
            }
            let Some(why) = reason(attempt) else { continue };
            lines.push(format!(
                "Request to {} failed ({why}).",
                self.shown(&attempt.link)
            ));
            if let Some(next) = attempts.peek() {
                let again = next.link == attempt.link;
                let does = if again {
                    "Asking again:"
                } else {
                    "Falling back to"
                };
                lines.push(format!("{does} {}.", self.shown(&next.link)));
            }
        }
        if answer.is_none() && self.receipt.ending != Ending::Cancelled {
            let words = self.receipt.action.trim_start_matches("not answered: ");
            lines.push(format!("✗ No model answered ({words})."));
        }
        lines
    }

    /// Tells whether nobody failed just now: what is said of it was said before, and may be left out
    /// where it would be said a thousand times a second.
    pub(super) fn is_old_news(&self) -> bool {
        let mut attempts = self.receipt.attempts.iter();
        attempts.all(|attempt| attempt.class.is_none())
    }

    /// Says which links before the one that answered were not asked, and why.
    fn skips(&self) -> Vec<String> {
        let first = self.receipt.attempts.first().map(|attempt| &attempt.link);
        let Some(first) = first else {
            return Vec::new();
        };
        let before = self.receipt.chain.iter().take_while(|link| *link != first);
        let skipped = before.filter_map(|link| {
            let mut all = self.receipt.skipped.iter();
            all.find(|skipped| skipped.link == *link)
        });
        let told = skipped.map(|skipped| {
            let why = skipped.because.words();
            format!("{} was not asked ({why}).", self.shown(&skipped.link))
        });
        let mut lines: Vec<String> = told.collect();
        if !lines.is_empty() {
            lines.push(format!("Falling back to {}.", self.shown(first)));
        }
        lines
    }

    /// Returns a link as people call it: `OpenAI gpt-4`.
    fn shown(&self, link: &LinkName) -> String {
        let called = self.settings.config.serve.called(link);
        let model = called.unwrap_or(&link.model.0);
        format!("{} {model}", self.settings.title(&link.provider))
    }
}

fn reason(attempt: &Attempt) -> Option<String> {
    let class = attempt.class?;
    let said = attempt.said.as_deref().unwrap_or_default();
    // The system's own words say which way nobody was reached.
    let words = if class == FaultClass::Unreachable && !said.is_empty() {
        let bare = said.split(" (os error").next().unwrap_or(said);
        bare.to_lowercase()
    } else {
        match (class, attempt.status) {
            (FaultClass::ServerError, Some(408)) => "its server timed out waiting",
            (FaultClass::ServerError, Some(409)) => "its server was at odds with itself",
            _ => class.words(),
        }
        .to_owned()
    };
    Some(words)
}
