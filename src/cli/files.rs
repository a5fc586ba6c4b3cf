//! `deskhand files`: what came with a ticket, saved where it is asked for, opened only when safe.

use serde_json::json;

use super::{
    Call,
    mail_args::FilesArgs,
    stop::{Exit, Stop},
};
use crate::text::clean::clean_line;

/// Lists the files of a ticket, saves them, or opens one.
pub(super) async fn run(call: &Call, args: &FilesArgs) -> Result<Exit, Stop> {
    call.at_desk(async |desk| {
        let ticket = desk.by_number(args.number).await?;
        if args.fetch {
            desk.fetch_rest(ticket).await?;
        }
        if let Some(place) = args.open {
            let path = desk.open_file(ticket, place).await?;
            call.out.answer(
                || json!({ "place": place, "opened": path }),
                || format!("Opened {}.", path.display()),
            );
            return Ok(Exit::OK);
        }
        let files = desk.files(ticket).await?;
        if args.save.is_empty() {
            if files.is_empty() && !call.out.is_json() {
                call.out.line("No file came with this ticket.");
            }
            for file in &files {
                call.out.answer(
                    || {
                        json!({
                            "place": file.place,
                            "message": file.message,
                            "name": file.name,
                            "media_type": file.kind,
                            "size_bytes": file.size_bytes,
                            "only_saved": file.is_risky,
                        })
                    },
                    || {
                        let risk = if file.is_risky { "  (only saved)" } else { "" };
                        format!(
                            "{:>3}  {:>10} bytes  {}  {}{risk}",
                            file.place,
                            file.size_bytes,
                            file.kind,
                            clean_line(&file.name)
                        )
                    },
                );
            }
            return Ok(Exit::OK);
        }
        for place in &args.save {
            let path = desk.save_file(ticket, *place, &args.to).await?;
            call.out.answer(
                || json!({ "place": place, "saved": path }),
                || format!("Saved as {}.", path.display()),
            );
        }
        Ok(Exit::OK)
    })
    .await
}
