//! `deskhand draft`: a reply written by a model, with the receipt of how it came about.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Call,
    ai_args::DraftArgs,
    json,
    out::{Out, note},
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{
        Desk,
        face::{DraftAsk, Drafted, Running},
    },
    domain::TicketId,
    text::clean::clean,
};

/// Drafts a reply and prints it. Ctrl-C cancels the run, which settles what it cost first.
pub(super) async fn run(call: &Call, args: &DraftArgs) -> Result<Exit, Stop> {
    let drafted = call
        .at_desk(async |desk| draft(call, desk, args).await)
        .await?;
    let Drafted { receipt, .. } = &drafted;
    let exit = Exit::after(receipt.ending);
    if call.out.is_json() {
        call.out
            .json(&json!({ "draft": draft_json(&drafted), "receipt": json::receipt(receipt) }));
    }
    if receipt.ending.has_text() {
        if !call.out.is_json() {
            note(&words::drafted(receipt));
        }
        return Ok(exit);
    }
    let advice = words::advice(receipt).map(str::to_owned);
    Err(Stop {
        exit,
        words: words::no_draft(receipt),
        advice,
    })
}

async fn draft(call: &Call, desk: &Arc<Desk>, args: &DraftArgs) -> Result<Drafted, Stop> {
    let ticket = desk.by_number(args.number).await?;
    let ask = DraftAsk {
        ticket,
        chain: args.chain.clone(),
        hint: None,
        force: args.force.clone(),
    };
    let cancel = CancellationToken::new();
    let drafting = desk.draft(&ask, &cancel);
    tokio::pin!(drafting);
    let mut changes = desk.live().changes();
    let mut shown = Shown::default();
    let drafted = loop {
        tokio::select! {
            drafted = &mut drafting => break drafted?,
            () = told_to_stop(), if !cancel.is_cancelled() => cancel.cancel(),
            Ok(()) = changes.changed(), if args.stream => {
                if let Some(running) = running_for(desk, ticket) {
                    shown.follow(&call.out, &running);
                }
            }
        }
    };
    if let Some(text) = kept_text(&drafted) {
        if args.stream {
            shown.finish(&call.out, text);
        } else if !call.out.is_json() {
            call.out.text(text);
        }
    }
    Ok(drafted)
}

/// Begins to listen for Ctrl-C and for the signal to end, and returns what waits for them: one that
/// comes before the wait begins counts too.
pub(super) fn told_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signs = {
        use tokio::signal::unix::{SignalKind, signal};
        (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        )
    };
    async move {
        #[cfg(unix)]
        if let (Ok(mut terminate), Ok(mut interrupt)) = signs {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_ok() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

fn running_for(desk: &Desk, ticket: TicketId) -> Option<Running> {
    desk.live()
        .running()
        .into_iter()
        .find(|running| running.ticket == ticket)
}

/// Returns the text of this run; a draft that stood before is not its.
fn kept_text(drafted: &Drafted) -> Option<&str> {
    let kept = drafted
        .draft
        .as_ref()
        .filter(|_| drafted.receipt.ending.has_text());
    kept.map(|draft| draft.text.as_str())
}

pub(super) fn draft_json(drafted: &Drafted) -> serde_json::Value {
    match &drafted.draft {
        Some(draft) if drafted.receipt.ending.has_text() => json::draft(draft),
        Some(_) | None => serde_json::Value::Null,
    }
}

/// What has been printed of a text that is still being written.
#[derive(Debug, Default)]
struct Shown {
    text: String,
}

impl Shown {
    /// Prints what is new. Words that were printed cannot be taken back, so when another link
    /// begins anew a line says that they do not count.
    fn follow(&mut self, out: &Out, running: &Running) {
        let text = clean(&running.text);
        if text.is_empty() {
            return;
        }
        let because = running
            .void
            .as_ref()
            .map(|void| format!("{}: {}", void.link, void.because.words()));
        self.print(out, &text, because.as_deref());
    }

    fn finish(&mut self, out: &Out, text: &str) {
        self.print(out, &clean(text), None);
        if !out.is_json() {
            out.piece("\n");
        }
    }

    fn print(&mut self, out: &Out, text: &str, because: Option<&str>) {
        let begun_anew = !text.starts_with(self.text.as_str());
        if begun_anew {
            let because = because.unwrap_or("begun anew");
            if out.is_json() {
                out.json(&json!({ "void": because }));
            } else {
                out.piece(&format!(
                    "\n[the words above do not count: {}]\n\n",
                    crate::text::clean::clean_line(because)
                ));
            }
            self.text.clear();
        }
        let fresh = text.get(self.text.len()..).unwrap_or_default();
        if !fresh.is_empty() && out.is_json() {
            out.json(&json!({ "text": fresh }));
        } else {
            out.piece(fresh);
        }
        text.clone_into(&mut self.text);
    }
}
