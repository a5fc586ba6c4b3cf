//! Figures for Prometheus. Names as OpenTelemetry has them for generative AI where it has one:
//! <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::domain::{Receipt, Usd};

/// Upper bounds of the buckets of times, in milliseconds: those that OpenTelemetry advises.
const BUCKETS_MS: [u64; 14] = [
    10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 40_960, 81_920,
];

/// How many requests took how long.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    buckets: [u64; BUCKETS_MS.len()],
    count: u64,
    sum_us: u64,
}

impl Times {
    fn note(&mut self, time: Duration) {
        let millis = time.as_millis();
        for (bucket, bound) in self.buckets.iter_mut().zip(BUCKETS_MS) {
            if millis <= u128::from(bound) {
                *bucket += 1;
            }
        }
        self.count += 1;
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum_us = self.sum_us.saturating_add(micros);
    }
}

/// What is counted of one link.
#[derive(Clone, Debug, Default)]
struct OfLink {
    duration: Times,
    first_token: Times,
    tokens_in: u64,
    tokens_out: u64,
    cost: Usd,
    failures: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Inner {
    requests: BTreeMap<(&'static str, u16), u64>,
    links: BTreeMap<String, OfLink>,
    endings: BTreeMap<&'static str, u64>,
    fallbacks: u64,
}

/// What a server has counted since it was started.
/// So many links are told apart; the rest are one.
const LINKS: usize = 200;
const OTHER: &str = "other/other";

#[derive(Default)]
pub(super) struct Metrics(Mutex<Inner>);

impl Metrics {
    /// Counts an answered HTTP request; `what` is its dialect or path.
    pub(super) fn request(&self, what: &'static str, status: u16) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *inner.requests.entry((what, status)).or_default() += 1;
    }

    /// Counts a request that was passed on.
    pub(super) fn passed(&self, receipt: &Receipt) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *inner.endings.entry(receipt.ending.word()).or_default() += 1;
        inner.fallbacks += u64::from(receipt.is_fallback());
        for attempt in &receipt.attempts {
            let mut name = attempt.link.to_string();
            // Callers name models; what nobody has must not grow without end.
            if inner.links.len() >= LINKS && !inner.links.contains_key(&name) {
                OTHER.clone_into(&mut name);
            }
            let link = inner.links.entry(name).or_default();
            if let Some(class) = attempt.class {
                *link.failures.entry(class.word()).or_default() += 1;
            }
            link.cost = link.cost.plus(attempt.cost.amount());
            link.tokens_in += attempt.usage.tokens_in.unwrap_or(0);
            link.tokens_out += attempt.usage.tokens_out.unwrap_or(0);
            link.duration.note(attempt.took);
            if let Some(first) = attempt.first_text {
                link.first_token.note(first);
            }
        }
    }

    /// Returns everything in Prometheus' text format.
    pub(super) fn text(&self, in_flight: usize) -> String {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Text::default();
        out.head(
            "deskhand_requests_in_flight",
            "gauge",
            "Requests that are being answered.",
        );
        out.row("deskhand_requests_in_flight", "", &in_flight.to_string());
        out.head(
            "deskhand_http_requests_total",
            "counter",
            "HTTP requests by dialect and status.",
        );
        for ((what, status), count) in &inner.requests {
            let labels = format!("dialect=\"{what}\",status=\"{status}\"");
            out.row("deskhand_http_requests_total", &labels, &count.to_string());
        }
        out.head(
            "deskhand_runs_total",
            "counter",
            "Requests passed on, by how they ended.",
        );
        for (ending, count) in &inner.endings {
            let labels = format!("ending=\"{ending}\"");
            out.row("deskhand_runs_total", &labels, &count.to_string());
        }
        out.head(
            "deskhand_fallbacks_total",
            "counter",
            "Answers by another link than the first.",
        );
        out.row("deskhand_fallbacks_total", "", &inner.fallbacks.to_string());
        inner.of_links(&mut out);
        out.0
    }
}

impl Inner {
    fn of_links(&self, out: &mut Text) {
        let links = || self.links.iter().map(|(name, link)| (labels(name), link));
        out.head(
            "deskhand_attempt_failures_total",
            "counter",
            "Attempts that failed, by class.",
        );
        for (labels, link) in links() {
            for (class, count) in &link.failures {
                let labels = format!("{labels},error_type=\"{class}\"");
                out.row(
                    "deskhand_attempt_failures_total",
                    &labels,
                    &count.to_string(),
                );
            }
        }
        out.head(
            "deskhand_cost_usd_total",
            "counter",
            "What attempts cost, upper bounds included.",
        );
        for (labels, link) in links() {
            out.row("deskhand_cost_usd_total", &labels, &link.cost.to_string());
        }
        let name = "gen_ai_client_token_usage_total";
        out.head(name, "counter", "Tokens as providers counted them.");
        for (labels, link) in links() {
            for (kind, count) in [("input", link.tokens_in), ("output", link.tokens_out)] {
                let labels = format!("{labels},gen_ai_token_type=\"{kind}\"");
                out.row(name, &labels, &count.to_string());
            }
        }
        let name = "gen_ai_client_operation_duration_seconds";
        out.head(name, "histogram", "Time of an attempt.");
        for (labels, link) in links() {
            out.times(name, &labels, &link.duration);
        }
        let name = "gen_ai_server_time_to_first_token_seconds";
        out.head(name, "histogram", "Time from a call to its first text.");
        for (labels, link) in links() {
            out.times(name, &labels, &link.first_token);
        }
    }
}

/// The labels of a link; names are ours or the config's, quotes in them are no quotes here.
fn labels(name: &str) -> String {
    let clean = |text: &str| text.replace(['"', '\\', '\n'], "_");
    let (provider, model) = name.split_once('/').unwrap_or((name, ""));
    format!(
        "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"{}\",gen_ai_request_model=\"{}\"",
        clean(provider),
        clean(model)
    )
}

/// Prometheus' text format under construction.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
    }

    fn row(&mut self, name: &str, labels: &str, value: &str) {
        if labels.is_empty() {
            writeln!(self.0, "{name} {value}").ok();
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}").ok();
        }
    }

    fn times(&mut self, name: &str, labels: &str, times: &Times) {
        for (count, bound) in times.buckets.iter().zip(BUCKETS_MS) {
            let (whole, part) = (bound / 1_000, bound % 1_000);
            let labels = format!("{labels},le=\"{whole}.{part:03}\"");
            self.row(&format!("{name}_bucket"), &labels, &count.to_string());
        }
        let every = format!("{labels},le=\"+Inf\"");
        self.row(&format!("{name}_bucket"), &every, &times.count.to_string());
        let (whole, part) = (times.sum_us / 1_000_000, times.sum_us % 1_000_000);
        self.row(
            &format!("{name}_sum"),
            labels,
            &format!("{whole}.{part:06}"),
        );
        self.row(&format!("{name}_count"), labels, &times.count.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_in_every_bucket_they_fit() {
        let mut times = Times::default();
        times.note(Duration::from_millis(15));
        times.note(Duration::from_secs(100));
        let mut out = Text::default();
        out.times("t", "a=\"b\"", &times);

        assert!(out.0.contains("t_bucket{a=\"b\",le=\"0.010\"} 0\n"));
        assert!(out.0.contains("t_bucket{a=\"b\",le=\"0.020\"} 1\n"));
        assert!(out.0.contains("t_bucket{a=\"b\",le=\"+Inf\"} 2\n"));
        assert!(out.0.contains("t_sum{a=\"b\"} 100.015000\n"));
    }

    #[test]
    fn a_name_cannot_end_its_label() {
        assert!(!labels("a/b\"} 1\nx").contains('\n'));
    }
}
