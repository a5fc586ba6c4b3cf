//! The matrix of faults: every family, every fault, streamed and not, on the first, the middle and
//! the last of three links, through the whole desk against the simulator over real HTTP. Who was
//! asked how often, and whether we closed the call, is read from the simulator's own log, and so
//! are the tokens that the ledger on disk must agree with.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod cell;
#[path = "../../benches/letters/mod.rs"]
mod letters;
mod rows;

use deskhand::domain::{Attempt, Cost, Ending, FaultClass, Receipt};
use futures::stream::{self, StreamExt as _};

use self::{
    cell::{Cell, FAMILIES, Place, Seen, counted},
    rows::{ROWS, Row, Then},
};

/// Cells at a time; those with clocks to run out are fewer, for a healthy link must be in time.
const AT_ONCE: (usize, usize) = (6, 2);

impl Cell {
    fn goes_on(self) -> bool {
        matches!(self.row.then, Then::Next | Then::Again) && self.place != Place::Last
    }

    /// How often the bad link must have been asked.
    fn asks(self) -> usize {
        let again = self.row.then == Then::Again && self.place == Place::Last;
        if again { 2 } else { 1 }
    }

    fn ending(self) -> Ending {
        match self.row.then {
            Then::Next | Then::Again if self.goes_on() => Ending::Answered,
            Then::Next | Then::Again => Ending::Failed,
            Then::Stop(ending) | Then::Kept(ending) => ending,
        }
    }

    fn check(self, seen: &Seen, whole: &str) -> Result<(), String> {
        let receipt = &seen.drafted.receipt;
        let problems: Vec<String> = [
            self.asked(seen),
            self.classes(receipt),
            self.text(seen, whole),
            money(seen),
        ]
        .into_iter()
        .filter_map(Result::err)
        .collect();
        if problems.is_empty() {
            return Ok(());
        }
        let (attempts, served) = (&receipt.attempts, &seen.served);
        Err(format!(
            "{self:?}\n  {}\n  {:?} {attempts:#?}\n  {served:#?}",
            problems.join("; "),
            receipt.ending
        ))
    }

    /// Who was asked and how often, and that what was left was closed.
    fn asked(self, seen: &Seen) -> Result<(), String> {
        let models = self.models();
        let bad = models.get(self.before()).unwrap();
        let times = |model: &str| {
            seen.served
                .iter()
                .filter(|call| call.model == model)
                .count()
        };
        let is_refused = self.row.fault == "refused";
        must(
            times(bad) == if is_refused { 0 } else { self.asks() },
            "the bad link's calls",
        )?;
        must(
            times("good") == usize::from(self.goes_on()),
            "the good link's calls",
        )?;
        must(times("spare") == 0, "the spare link is not needed")?;
        for model in models.iter().take(self.before()) {
            must(times(model) == 1, "a link before was asked once")?;
        }
        let left = |model: &str| {
            let mut calls = seen.served.iter().filter(|call| call.model == model);
            calls.all(|call| call.client_closed)
        };
        must(
            !self.row.by_clock || left(bad),
            "the call that hung was closed",
        )?;
        let count = self.before() + self.asks() + usize::from(self.goes_on());
        let attempts = seen.drafted.receipt.attempts.len();
        must(
            attempts == count,
            "one attempt on the receipt for each call",
        )
    }

    fn classes(self, receipt: &Receipt) -> Result<(), String> {
        let bad = bad(receipt, self.before())?;
        // Families name what is busy and what is broken in their own ways.
        let is_either = ["error-event-4", "503"].contains(&self.row.fault);
        let fits = bad.class == Some(self.row.class)
            || is_either && bad.class == Some(FaultClass::ServerError);
        must(fits, "the class")?;
        must(receipt.ending == self.ending(), "the ending")?;
        let moved = receipt.attempts.iter().zip(receipt.attempts.iter().skip(1));
        let mut reasons = moved.map(|(left, _)| &left.moved_on_because);
        must(reasons.all(Option::is_some), "each move has its reason")?;
        let is_fallback = self.ending().has_text() && (self.before() > 0 || self.goes_on());
        must(
            receipt.is_fallback() == is_fallback,
            "whether it is a fallback",
        )
    }

    /// What was shown, and that no cut answer passes for a whole one.
    fn text(self, seen: &Seen, whole: &str) -> Result<(), String> {
        let receipt = &seen.drafted.receipt;
        let draft = seen.drafted.draft.as_ref().map(|draft| draft.text.as_str());
        if self.ending() == Ending::Answered {
            must(draft == Some(whole), "the good link's whole answer")?;
        }
        must(
            draft.is_some() == self.ending().has_text(),
            "a draft only where there is an answer",
        )?;
        // Chat's filter is the one refusal that comes after words.
        let is_chat = ["openai", "openai-compatible"].contains(&self.family);
        let is_filter = self.row.fault == "refusal" && is_chat;
        let bad = bad(receipt, self.before())?;
        let shown = bad.shown.as_deref();
        let has_words = (self.row.after_words || is_filter) && self.streamed;
        must(
            shown.is_some() == has_words,
            "the words that were shown are on the receipt",
        )?;
        let words = shown.map(|shown| shown.matches(' ').count());
        must(
            is_filter || words.is_none_or(|words| words == 4),
            "how many words were shown",
        )
    }
}

/// The ledger: equal where the cost is known, never below what the simulator counted.
fn money(seen: &Seen) -> Result<(), String> {
    let receipt = &seen.drafted.receipt;
    let meter = &seen.meter;
    must(seen.receipts == 1, "one receipt, its chain whole")?;
    must(meter.held.nanos() == 0, "nothing is held any more")?;
    let sum = |at_most: bool| {
        let costs = receipt.attempts.iter().map(|attempt| attempt.cost);
        let of_kind = costs.filter(|cost| cost.is_at_most() == at_most);
        of_kind
            .map(Cost::amount)
            .fold(0, |sum, usd| sum + usd.nanos())
    };
    must(
        sum(false) == meter.settled_known.nanos(),
        "known: receipt and ledger",
    )?;
    must(
        sum(true) == meter.settled_at_most.nanos(),
        "at most: receipt and ledger",
    )?;
    let with_words = seen.served.iter().filter(|call| call.tokens_out > 0);
    let truth: i64 = with_words.map(|call| counted(call).nanos()).sum();
    must(
        meter.settled().nanos() >= truth,
        "never below what was counted",
    )?;
    let answer = receipt.answer().zip(seen.served.last());
    must(
        answer.is_none_or(|(answer, call)| answer.cost == Cost::Known(counted(call))),
        "the answer costs what was counted",
    )
}

fn bad(receipt: &Receipt, at: usize) -> Result<&Attempt, String> {
    let attempt = receipt.attempts.get(at);
    attempt.ok_or_else(|| "the bad link was asked".to_owned())
}

fn must(is: bool, what: &str) -> Result<(), String> {
    if is { Ok(()) } else { Err(what.to_owned()) }
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for family in FAMILIES {
        for row in ROWS {
            for streamed in [true, false] {
                for place in [Place::First, Place::Middle, Place::Last] {
                    cells.push(Cell {
                        family,
                        row,
                        streamed,
                        place,
                    });
                }
            }
        }
    }
    cells
}

async fn play(cells: Vec<Cell>, at_once: usize, whole: &str) -> Vec<String> {
    let checked = stream::iter(cells)
        .map(|cell| Box::pin(async move { once_more(cell, whole).await }))
        .buffer_unordered(at_once);
    checked
        .filter_map(async |checked: Result<(), String>| checked.err())
        .collect()
        .await
}

/// Plays a cell. One with clocks of a tenth of a second may be played again: on a busy machine a
/// healthy link can be late, a fault that is wrong is wrong twice.
async fn once_more(cell: Cell, whole: &str) -> Result<(), String> {
    let first = cell.check(&cell.play().await, whole);
    if first.is_err() && cell.row.by_clock {
        return cell.check(&cell.play().await, whole);
    }
    first
}

/// What a link answers that nothing happens to.
async fn whole_answer() -> String {
    let nothing = Row {
        fault: "none",
        class: FaultClass::Cancelled,
        then: Then::Kept(Ending::Answered),
        after_words: false,
        by_clock: false,
    };
    let [family, ..] = FAMILIES;
    let cell = Cell {
        family,
        row: nothing,
        streamed: true,
        place: Place::First,
    };
    cell.play().await.drafted.draft.unwrap().text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_ends_as_the_table_says() {
    let (by_clock, others): (Vec<Cell>, Vec<Cell>) =
        cells().into_iter().partition(|cell| cell.row.by_clock);
    let count = by_clock.len() + others.len();

    let whole = whole_answer().await;
    assert!(whole.len() > 100, "{whole}");

    let mut wrong = play(others, AT_ONCE.0, &whole).await;
    wrong.extend(play(by_clock, AT_ONCE.1, &whole).await);

    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(count, 660);
}
