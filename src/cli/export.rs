//! `deskhand export`: tickets with all their messages, for another desk or another program.

use std::io::Write as _;

use serde_json::json;

use super::{
    Call,
    import_args::{ExportArgs, TicketsFormat},
    out,
    receipts::{new_file, unwritten},
    stop::{Exit, Stop},
};
use crate::domain::Query;

/// Writes every ticket that a query finds, by number.
pub(super) async fn run(call: &Call, args: &ExportArgs) -> Result<Exit, Stop> {
    let TicketsFormat::Jsonl = args.format;
    let query = Query::parse(&args.query.join(" "))?;
    let mut to = args.output.as_deref().map(new_file).transpose()?;
    let mut count = 0_u64;
    let written = call.at_desk(async |desk| {
        let tickets = desk.list(&query, None).await?;
        for row in &tickets {
            if call.out.is_gone() {
                break;
            }
            let Some(line) = desk.export(row.id).await? else {
                continue;
            };
            match &mut to {
                Some(file) => writeln!(file, "{line}").map_err(|error| unwritten(&error))?,
                None => call.out.exact(&line),
            }
            count += 1;
            if count.is_multiple_of(100) {
                out::progress(&format!("{count} of {} tickets", tickets.len()));
            }
        }
        out::progress_over();
        Ok(())
    });
    let written = written.await;
    let whole = written.and_then(|()| match to {
        Some(file) => file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(|error| unwritten(&error)),
        None => Ok(()),
    });
    let Some(file) = &args.output else {
        return whole.map(|()| Exit::OK);
    };
    if let Err(stop) = whole {
        // It was not there before: a part of an export is left to nobody.
        drop(std::fs::remove_file(file));
        return Err(stop);
    }
    if call.out.is_json() {
        call.out.json(&json!({ "exported": count, "file": file }));
    } else {
        out::note(&format!(
            "{count} tickets are written to {}.",
            file.display()
        ));
    }
    Ok(Exit::OK)
}
