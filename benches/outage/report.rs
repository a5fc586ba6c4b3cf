//! What came of the month, in words and figures.

use std::{collections::BTreeMap, time::Duration};

use deskhand::{
    desk::{Settings, face::Drafted},
    domain::{Attempt, Ending, LinkName, Meter, Receipt, Timestamp, Usage, Usd},
    engine::price,
};

use crate::server::Call;

/// Every draft of the month.
#[derive(Default)]
pub(crate) struct Month {
    receipts: Vec<Receipt>,
    hour: u64,
}

impl Month {
    pub(crate) fn add(&mut self, drafted: Drafted) {
        self.receipts.push(drafted.receipt);
    }

    /// Tells whether another hour has begun.
    pub(crate) fn is_next_hour(&mut self, at: Duration) -> bool {
        let hour = at.as_secs() / 3600;
        hour > std::mem::replace(&mut self.hour, hour)
    }

    fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.receipts.iter().flat_map(|receipt| &receipt.attempts)
    }

    pub(crate) fn print(&self, log: &[Call], meter: &Meter, settings: &Settings) {
        let asked = self.receipts.len();
        let answered = count(
            self.receipts
                .iter()
                .filter(|receipt| receipt.ending.has_text()),
        );
        let fallback = count(self.receipts.iter().filter(|receipt| receipt.is_fallback()));
        println!("drafts asked for            {asked:>8}");
        println!(
            "answered                    {answered:>8}   {}",
            percent(answered, asked)
        );
        println!(
            "by a backup                 {fallback:>8}   {}",
            percent(fallback, asked)
        );
        self.print_endings();
        let calls = count(self.attempts());
        let wasted = calls - answered;
        println!("calls                       {calls:>8}");
        println!(
            "wasted attempts             {wasted:>8}   {}",
            percent(wasted, calls)
        );
        let shown = count(self.attempts().filter(|attempt| attempt.shown.is_some()));
        println!("words shown, then replaced  {shown:>8}");
        let waits = self.added_latencies();
        println!(
            "added until the answer's own wait: p50 {} ms, p99 {} ms, most {} ms",
            at(&waits, 50),
            at(&waits, 99),
            at(&waits, 100)
        );
        self.print_money(log, meter, settings);
    }

    fn print_endings(&self) {
        let mut endings: BTreeMap<String, usize> = BTreeMap::new();
        let unanswered = self
            .receipts
            .iter()
            .filter(|r| r.ending != Ending::Answered);
        for receipt in unanswered {
            let classes: Vec<&str> = receipt
                .attempts
                .iter()
                .filter_map(|attempt| attempt.class)
                .map(deskhand::domain::FaultClass::words)
                .collect();
            let what = format!("{:?} after [{}]", receipt.ending, classes.join(", "));
            *endings.entry(what).or_default() += 1;
        }
        for (what, times) in endings {
            println!("  not answered: {times:>4} x {what}");
        }
    }

    /// Returns how long after the beginning the answering call began, sorted.
    fn added_latencies(&self) -> Vec<u128> {
        let wait = |receipt: &Receipt| {
            let answer = receipt.answer()?;
            let waited: Timestamp = answer.began;
            Duration::try_from(waited.duration_since(receipt.began)).ok()
        };
        let mut waits: Vec<u128> = self
            .receipts
            .iter()
            .filter_map(wait)
            .map(|wait| wait.as_millis())
            .collect();
        waits.sort_unstable();
        waits
    }

    fn print_money(&self, log: &[Call], meter: &Meter, settings: &Settings) {
        let answers = |receipt: &Receipt| receipt.answer().map(|answer| answer.no);
        let spare: Usd = self
            .receipts
            .iter()
            .flat_map(|receipt| {
                let kept = answers(receipt);
                let others = receipt.attempts.iter();
                others.filter(move |attempt| Some(attempt.no) != kept)
            })
            .fold(Usd::ZERO, |sum, attempt| sum.plus(attempt.cost.amount()));
        let truth = |is_answer: bool| {
            let of_kind = log
                .iter()
                .filter(|call| (call.outcome == "ok") == is_answer);
            of_kind.fold(Usd::ZERO, |sum, call| sum.plus(true_cost(call, settings)))
        };
        let (whole, broken) = (truth(true), truth(false));
        println!("double spend (calls that were not kept)  ${spare}");
        println!(
            "ledger: known ${}, at most ~${}, held ${}",
            meter.settled_known, meter.settled_at_most, meter.held
        );
        println!("server: whole answers ${whole}, broken off ${broken}");
        let verdict = |is: bool| if is { "yes" } else { "NO" };
        println!(
            "the ledger is never below the server's count: {}",
            verdict(meter.settled() >= whole.plus(broken))
        );
        let known: Vec<&Attempt> = self
            .attempts()
            .filter(|attempt| !attempt.cost.is_at_most() && attempt.class.is_none())
            .collect();
        let oks = log.iter().filter(|call| call.outcome == "ok").count();
        println!(
            "answers with the provider's own count: {} of {oks}; together equal to the server's: {}",
            known.len(),
            verdict(
                known
                    .iter()
                    .fold(Usd::ZERO, |sum, a| sum.plus(a.cost.amount()))
                    == whole
            )
        );
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> usize {
    items.count()
}

fn percent(part: usize, whole: usize) -> String {
    let hundredths = part * 10_000 / whole.max(1);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Returns the value at a percentile of a sorted list.
fn at(sorted: &[u128], percentile: usize) -> u128 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(last * percentile / 100)
        .copied()
        .unwrap_or_default()
}

/// Returns what the server's own count comes to. Its input holds the cached tokens.
fn true_cost(call: &Call, settings: &Settings) -> Usd {
    let link = LinkName::new(&call.provider, &call.model);
    let begin: Timestamp = crate::BEGIN.parse().expect("a time");
    let at = begin + Duration::from_secs_f64(call.t).saturating_mul(60);
    let Some(price) = settings.price(&link, at) else {
        return Usd::ZERO;
    };
    let usage = Usage {
        tokens_in: Some(call.input_tokens),
        tokens_out: Some(call.output_tokens),
        tokens_cached: Some(call.cache_read),
        ..Usage::default()
    };
    price::cost(&price, &usage).map_or(Usd::ZERO, deskhand::domain::Cost::amount)
}
