//! `deskhand receipts`: what was asked of whom and what it cost; nobody changes one.

use serde_json::json;

use super::{
    Call,
    args::{ReceiptsArgs, ReceiptsCommand},
    json,
    stop::{Exit, Stop},
    words,
};
use crate::{domain::Page, store::ReceiptFilter};

/// So many receipts are read at a time.
const PAGE: u64 = 500;

/// Lists, shows or verifies.
pub(super) async fn run(call: &Call, args: ReceiptsArgs) -> Result<Exit, Stop> {
    match args.command.unwrap_or(ReceiptsCommand::List {
        ticket: None,
        limit: None,
    }) {
        ReceiptsCommand::List { ticket, limit } => list(call, ticket, limit).await,
        ReceiptsCommand::Show { id } => show(call, &id).await,
        ReceiptsCommand::Verify => verify(call).await,
    }
}

async fn list(call: &Call, ticket: Option<i64>, limit: Option<u64>) -> Result<Exit, Stop> {
    call.at_desk(async |desk| {
        let ticket = match ticket {
            Some(number) => Some(desk.by_number(number).await?),
            None => None,
        };
        let filter = ReceiptFilter {
            ticket,
            ..ReceiptFilter::default()
        };
        let mut left = limit.unwrap_or(u64::MAX);
        let mut offset = 0;
        while left > 0 && !call.out.is_gone() {
            let page = desk
                .receipts(
                    &filter,
                    Page {
                        offset,
                        limit: left.min(PAGE),
                    },
                )
                .await?;
            for (_, receipt) in &page {
                call.out
                    .answer(|| json::receipt(receipt), || words::receipt(receipt));
            }
            let read = u64::try_from(page.len()).unwrap_or(PAGE);
            if read < left.min(PAGE) {
                break;
            }
            offset += read;
            left -= read;
        }
        Ok(Exit::OK)
    })
    .await
}

async fn show(call: &Call, id: &str) -> Result<Exit, Stop> {
    let (_, receipt) = call
        .at_desk(async |desk| Ok(desk.receipt(id).await?))
        .await?;
    call.out
        .answer(|| json::receipt(&receipt), || words::receipt(&receipt));
    Ok(Exit::OK)
}

async fn verify(call: &Call) -> Result<Exit, Stop> {
    let verdict = call
        .at_desk(async |desk| Ok(desk.verify_receipts().await?))
        .await?;
    let broken = verdict.broken.as_ref();
    call.out.answer(
        || json!({
            "entries": verdict.entries,
            "whole": broken.is_none(),
            "broken": broken.map(|broken| json!({ "entry": broken.entry, "because": broken.why })),
        }),
        || match broken {
            None => format!("{} receipts, each as it was written.", verdict.entries),
            Some(broken) => format!("Entry {} is not as it was written: {}.", broken.entry, broken.why),
        },
    );
    Ok(if broken.is_none() {
        Exit::OK
    } else {
        Exit::FAILED
    })
}
