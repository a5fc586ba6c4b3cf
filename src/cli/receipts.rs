//! `deskhand receipts`: what was asked of whom and what it cost; nobody changes one.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write as _},
    path::Path,
};

use serde_json::json;

use super::{
    Call, json,
    out::note,
    receipt_args::{ExportFormat, ReceiptsArgs, ReceiptsCommand, WhichReceipts},
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{Desk, receipts::Enough, receipts_csv},
    domain::{Receipt, ReceiptQuery},
    text::json::escaped,
};

/// Lists, shows, exports or verifies.
pub(super) async fn run(call: &Call, args: ReceiptsArgs) -> Result<Exit, Stop> {
    let Some(command) = args.command else {
        return list(call, &args.which).await;
    };
    if args.which != WhichReceipts::default() {
        return Err(Stop::usage(
            "Which receipts are meant is written behind the command, as in \
             `deskhand receipts list --ticket 7`.",
        ));
    }
    match command {
        ReceiptsCommand::List { which } => list(call, &which).await,
        ReceiptsCommand::Export { format, out, which } => {
            export(call, format, out.as_deref(), &which).await
        }
        ReceiptsCommand::Show { id } => show(call, &id).await,
        ReceiptsCommand::Verify => verify(call).await,
    }
}

/// Makes the query of what was written on the command line.
fn query(desk: &Desk, which: &WhichReceipts) -> Result<ReceiptQuery, Stop> {
    let mut text = quoted(&which.query);
    if let Some(number) = which.ticket {
        text.push(format!("ticket:{number}"));
    }
    if let Some(since) = &which.since {
        text.push(format!("since:{since}"));
    }
    Ok(desk.receipt_query(&text.join(" "))?)
}

/// Keeps a term together that the shell has handed over as one word.
fn quoted(terms: &[String]) -> Vec<String> {
    let with = |term: &String| {
        let is_one = !term.contains(char::is_whitespace) || term.contains('"');
        // Several terms may come as one word of the shell, as `/` takes them.
        if is_one || term.contains(':') {
            term.clone()
        } else {
            format!("\"{term}\"")
        }
    };
    terms.iter().map(with).collect()
}

/// Gives the receipts that are meant to `take`, up to the limit.
async fn each(
    call: &Call,
    desk: &Desk,
    which: &WhichReceipts,
    mut take: impl FnMut(&Receipt) -> Result<(), Stop> + Send,
) -> Result<(), Stop> {
    let query = query(desk, which)?;
    let mut left = which.limit.unwrap_or(u64::MAX);
    let mut failed = None;
    if left == 0 {
        return Ok(());
    }
    let mut one = |_: i64, receipt: Receipt| {
        if let Err(stop) = take(&receipt) {
            failed = Some(stop);
            return Enough::Yes;
        }
        left -= 1;
        Enough::when(left == 0 || call.out.is_gone())
    };
    desk.each_receipt(&query, &mut one).await?;
    failed.map_or(Ok(()), Err)
}

async fn list(call: &Call, which: &WhichReceipts) -> Result<Exit, Stop> {
    call.at_desk(async |desk| {
        let print = |receipt: &Receipt| {
            call.out
                .answer(|| json::receipt(receipt), || words::receipt(receipt));
            Ok(())
        };
        each(call, desk, which, print).await?;
        Ok(Exit::OK)
    })
    .await
}

async fn export(
    call: &Call,
    format: ExportFormat,
    file: Option<&Path>,
    which: &WhichReceipts,
) -> Result<Exit, Stop> {
    let mut to = match file {
        Some(file) => Some(new_file(file)?),
        None => None,
    };
    let mut write = |line: &str| {
        if let Some(file) = &mut to {
            return writeln!(file, "{line}").map_err(|error| unwritten(&error));
        }
        call.out.exact(line);
        Ok(())
    };
    let mut count = 0_u64;
    let done = call.at_desk(async |desk| {
        if format == ExportFormat::Csv {
            write(&receipts_csv::head())?;
        }
        let one = |receipt: &Receipt| {
            count += 1;
            write(&match format {
                ExportFormat::Csv => receipts_csv::line(receipt),
                ExportFormat::Jsonl => escaped(&json::receipt(receipt).to_string()),
            })
        };
        each(call, desk, which, one).await
    });
    if let Err(stop) = done.await {
        // The file was not there before: a query with a slip leaves none behind.
        if let Some(file) = file.filter(|_| count == 0) {
            drop(std::fs::remove_file(file));
        }
        return Err(stop);
    }
    if let Some(file) = to {
        let written = file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error);
        written
            .and_then(|file| file.sync_all())
            .map_err(|error| unwritten(&error))?;
        let name = file_name(which, count);
        if call.out.is_json() {
            call.out.json(&json!({ "exported": count }));
        } else {
            note(&name);
        }
    }
    Ok(Exit::OK)
}

fn file_name(which: &WhichReceipts, count: u64) -> String {
    let some = if which.query.is_empty() && which.ticket.is_none() && which.since.is_none() {
        ""
    } else {
        " that were asked for"
    };
    format!("{count} receipts{some} are written.")
}

/// Opens a file that was not there before, readable by its owner alone.
pub(super) fn new_file(file: &Path) -> Result<BufWriter<File>, Stop> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let opened = options.open(file).map_err(|error| {
        Stop::failed(format!("{} cannot be written: {error}.", file.display()))
            .advising("Name a file that does not exist yet, in a folder you may write to.")
    })?;
    Ok(BufWriter::new(opened))
}

/// Says that an export is not whole.
pub(super) fn unwritten(error: &std::io::Error) -> Stop {
    Stop::failed(format!(
        "The export broke off: {error}. The file is not whole."
    ))
}

async fn show(call: &Call, id: &str) -> Result<Exit, Stop> {
    let (receipt, invoice) = call
        .at_desk(async |desk| {
            let (_, receipt) = desk.receipt(id).await?;
            let invoice = desk.reconciled(&receipt).await?;
            Ok((receipt, invoice))
        })
        .await?;
    call.out.answer(
        || json::shown_receipt(&receipt, invoice),
        || match invoice {
            None => words::receipt(&receipt),
            Some(usd) => format!(
                "{}\n  booked later, as the invoice says: {}",
                words::receipt(&receipt),
                usd.for_people()
            ),
        },
    );
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
