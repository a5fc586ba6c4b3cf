//! A receipt in words: every attempt in order, with its reason.

use ratatui::text::{Line, Span};

use crate::{
    config::theme::{Paint, Theme},
    desk::face::Running,
    domain::{Attempt, Ending, LinkName, Receipt, SkipReason, Skipped, Task},
    tui::{
        model::Facts,
        paint::{self, safe, style, wrap},
        words,
    },
};

/// Returns a receipt in lines of at most `wide` cells.
pub(in crate::tui) fn lines(
    receipt: &Receipt,
    theme: &Theme,
    wide: usize,
    facts: &Facts,
) -> Vec<Line<'static>> {
    let mut page = Page {
        lines: Vec::new(),
        wide,
        theme,
    };
    let id = receipt.id.to_string();
    page.line(
        format!("RECEIPT {}", id.get(..13).unwrap_or(&id)),
        theme.title,
    );
    let began = receipt
        .began
        .to_zoned(facts.zone.clone())
        .strftime("%-d %b %H:%M:%S")
        .to_string();
    page.pair(
        "task",
        &format!(
            "{} for {}",
            receipt.task.word().replace('_', " "),
            safe(&receipt.agent)
        ),
    );
    page.pair("began", &began);
    page.ending(receipt);
    page.blank();
    // What was passed over before the first attempt stands before it: the chain is read downwards.
    let place = |link: &LinkName| receipt.chain.iter().position(|name| name == link);
    let first = receipt
        .attempts
        .first()
        .and_then(|attempt| place(&attempt.link));
    let is_before = |skipped: &&Skipped| first.is_some() && place(&skipped.link) < first;
    for skipped in receipt.skipped.iter().filter(is_before) {
        page.skipped(skipped, facts);
    }
    for attempt in &receipt.attempts {
        page.attempt(attempt);
    }
    for skipped in receipt.skipped.iter().filter(|skipped| !is_before(skipped)) {
        page.skipped(skipped, facts);
    }
    page.blank();
    let took = words::seconds(duration(receipt));
    page.pair("total", &format!("{}  {took}", receipt.cost().for_people()));
    if let Some(first) = receipt.first_choice_cost {
        page.pair("1st choice", &format!("est. {}", first.for_people()));
    }
    // What another program asks is passed on as it is: nobody counts its words.
    if receipt.task != Task::Request {
        page.pair(
            "sent",
            &format!("{} of {} words", receipt.words_sent, receipt.words_whole),
        );
    }
    if !receipt.redacted.is_empty() {
        page.pair("redacted", &safe(&receipt.redacted.join(", ")));
    }
    page.pair("chain", &safe(&receipt.chain_from));
    page.lines
}

/// Returns the attempts of a draft under way.
pub(super) fn running(state: &Running, theme: &Theme, wide: usize) -> Vec<Line<'static>> {
    let mut page = Page {
        lines: Vec::new(),
        wide,
        theme,
    };
    page.line("UNDER WAY", theme.title);
    page.blank();
    for attempt in &state.attempts {
        page.attempt(attempt);
    }
    if let Some(link) = &state.link {
        page.head(&(state.attempts.len() + 1).to_string(), link);
        let word = if state.text.is_empty() {
            "asking …"
        } else {
            "writing …"
        };
        page.line(format!("  {word}"), theme.text);
    }
    page.lines
}

fn duration(receipt: &Receipt) -> std::time::Duration {
    let span = receipt.ended.duration_since(receipt.began);
    std::time::Duration::try_from(span).unwrap_or_default()
}

struct Page<'a> {
    lines: Vec<Line<'static>>,
    wide: usize,
    theme: &'a Theme,
}

impl Page<'_> {
    fn line(&mut self, text: impl AsRef<str>, paint: Paint) {
        self.lines.push(Line::styled(
            paint::cut(text.as_ref(), self.wide),
            style(paint),
        ));
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.lines.push(Line::from(vec![
            Span::styled(format!("{name:<8} "), style(self.theme.quiet)),
            Span::raw(paint::cut(
                value,
                self.wide.saturating_sub(9.max(name.len() + 1)),
            )),
        ]));
    }

    fn wrapped(&mut self, indent: &str, text: &str, paint: Paint) {
        let lines = wrap(&safe(text), self.wide.saturating_sub(indent.len()));
        for (place, line) in lines.into_iter().enumerate() {
            let blank = " ".repeat(indent.len());
            let indent = if place == 0 { indent } else { &blank };
            self.line(format!("{indent}{line}"), paint);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other ending is its own word"
    )]
    fn ending(&mut self, receipt: &Receipt) {
        let paint = if receipt.ending.has_text() {
            self.theme.good
        } else {
            self.theme.bad
        };
        let word = match receipt.ending {
            Ending::OverCap => "NOT RUN · cap".to_owned(),
            Ending::Answered if receipt.is_fallback() => "ok, by a backup".to_owned(),
            Ending::Answered => "ok".to_owned(),
            other => other.word().replace('_', " "),
        };
        self.lines.push(Line::from(vec![
            Span::styled("result   ", style(self.theme.quiet)),
            Span::styled(word, style(paint)),
        ]));
    }

    fn head(&mut self, no: &str, link: &LinkName) {
        let whole = format!("{no} {}", safe(&link.to_string()));
        if paint::width(&whole) <= self.wide {
            return self.line(whole, self.theme.title);
        }
        self.line(
            format!("{no} {}/", safe(&link.provider.0)),
            self.theme.title,
        );
        self.line(format!("  {}", safe(&link.model.0)), self.theme.title);
    }

    fn attempt(&mut self, attempt: &Attempt) {
        self.head(&attempt.no.to_string(), &attempt.link);
        let status = attempt
            .status
            .map_or_else(String::new, |status| format!("{status} "));
        let took = words::seconds(attempt.took);
        match attempt.class {
            Some(_) => {
                let outcome = attempt.outcome();
                self.line(format!("  x {status}{outcome}"), self.theme.bad);
                if let Some(said) = attempt.said.as_deref().filter(|said| !said.is_empty()) {
                    self.wrapped("    ", said, self.theme.quiet);
                }
                let wait = attempt.retry_after.map_or_else(String::new, |wait| {
                    format!("retry-after {}s · ", wait.as_secs())
                });
                self.line(format!("    {wait}{took}"), self.theme.text);
            }
            None => self.line(format!("  ok answered {took}"), self.theme.good),
        }
        if let Some(by) = &attempt.answered_by
            && *by != attempt.link.model.0
        {
            self.line(format!("    as {}", safe(by)), self.theme.quiet);
        }
        if let (Some(tokens_in), Some(tokens_out)) =
            (attempt.usage.tokens_in, attempt.usage.tokens_out)
        {
            self.line(
                format!("    {tokens_in} in · {tokens_out} out"),
                self.theme.text,
            );
        }
        self.line(
            format!("    cost {}", attempt.cost.for_people()),
            self.theme.text,
        );
        if let Some(id) = &attempt.request_id {
            self.line(format!("    id {}", safe(id)), self.theme.quiet);
        }
        if let Some(because) = &attempt.moved_on_because {
            self.wrapped("    > ", because, self.theme.fallback);
        }
    }

    fn skipped(&mut self, skipped: &Skipped, facts: &Facts) {
        self.head("-", &skipped.link);
        let until = match &skipped.because {
            SkipReason::Resting { until, .. }
            | SkipReason::Open { until }
            | SkipReason::RestedByHand { until } => {
                let at = until
                    .to_zoned(facts.zone.clone())
                    .strftime("%H:%M")
                    .to_string();
                format!(" until {at}")
            }
            SkipReason::NotNeeded
            | SkipReason::RunEnded
            | SkipReason::KeyInvalid
            | SkipReason::NoKey
            | SkipReason::KeyNotAvailable(_)
            | SkipReason::OverCap
            | SkipReason::NoPrice
            | SkipReason::TooSmall
            | SkipReason::NotUsable(_)
            | SkipReason::NoLedger(_) => String::new(),
        };
        self.wrapped(
            "  ",
            &format!("{}{until}", skipped.because.words()),
            self.theme.quiet,
        );
    }
}
