//! `deskhand import`: mail from files and folders becomes tickets.

use serde_json::json;

use super::{
    Call,
    import_args::ImportArgs,
    out,
    stop::{Exit, Stop},
    words::push,
};
use crate::{
    desk::{
        import::Imported,
        records::{ImportPlan, NotKept},
    },
    domain::{Because, DayOrder, Field, TableLook},
    source::import::{How, Kind, csv::Table},
    text::{clean::clean_line, wrap::cut},
};

/// How many rejects the plain answer names; the file has them all.
const REJECTS_NAMED: usize = 10;
/// And of that which has no place here.
const NOT_KEPT_NAMED: usize = 20;
/// A cell of the preview is not wider.
const CELL: usize = 24;

/// Imports what is below the paths, and says what came of it. A bad mail is named, not an error;
/// only when nothing at all could be taken has the command failed.
pub(super) async fn run(call: &Call, args: &ImportArgs) -> Result<Exit, Stop> {
    call.at_desk(async |desk| {
        let mut progress = |done: &Imported| {
            out::progress(&format!(
                "{} seen, {} imported, {} tickets",
                done.seen, done.imported, done.tickets_new
            ));
        };
        let imported = desk
            .import_planned(&args.paths, &plan(args), &mut progress)
            .await?;
        out::progress_over();
        let file = desk.rejects_file().display().to_string();
        call.out
            .answer(|| json!(imported), || words(&imported, &file));
        let took_nothing = imported.imported + imported.duplicates == 0;
        Ok(if took_nothing && !imported.rejected.is_empty() {
            Exit::FAILED
        } else {
            Exit::OK
        })
    })
    .await
}

fn plan(args: &ImportArgs) -> ImportPlan {
    ImportPlan {
        kind: args.format.map(Kind::from),
        is_dry: args.dry_run,
        how: How {
            source: args.source.clone(),
            table: Table {
                columns: args.columns.clone(),
                encoding: args.encoding.clone(),
                separator: args.separator,
                dates: args.dates.map(DayOrder::from),
            },
        },
    }
}

fn words(done: &Imported, rejects_file: &str) -> String {
    let mut text = String::new();
    if done.is_dry {
        text.push_str("Nothing is filed; this is what would come of it.\n");
    }
    let about = if done.is_about { "~" } else { "" };
    push(
        &mut text,
        format_args!(
            "{} seen: {} imported, {} there already, {} rejected.\nNew tickets: {about}{}; others that got mail: {about}{}.",
            done.seen,
            done.imported,
            done.duplicates,
            done.rejected.len(),
            done.tickets_new,
            done.tickets_joined
        ),
    );
    for warning in &done.warnings {
        let warning = format!("{warning} {}", warning.remedy());
        push(
            &mut text,
            format_args!("\n  Warning: {}", clean_line(&warning)),
        );
    }
    text.push_str(&not_kept(&done.unmapped));
    for reject in done.rejected.iter().take(REJECTS_NAMED) {
        text.push_str("\n  ");
        // A name with line breaks would pose as lines of ours.
        text.push_str(&clean_line(&reject.path));
        text.push_str(": ");
        text.push_str(&clean_line(&reject.reason));
    }
    if done.rejected.len() > REJECTS_NAMED {
        text.push_str("\n  ...");
    }
    if !done.rejected.is_empty() && !done.is_dry {
        text.push_str("\nEvery reject with its reason: ");
        text.push_str(rejects_file);
    }
    for table in &done.tables {
        text.push_str(&guess(table));
    }
    text
}

/// Says what has no place here.
fn not_kept(unmapped: &[NotKept]) -> String {
    let mut text = String::new();
    let (numbers, others): (Vec<&NotKept>, Vec<&NotKept>) =
        unmapped.iter().partition(|one| one.what == "number");
    let renumbered: u64 = numbers.iter().map(|one| one.count).sum();
    if renumbered > 0 {
        push(
            &mut text,
            format_args!("\n  {renumbered} got the next free number: theirs is another ticket's"),
        );
    }
    for one in others.iter().take(NOT_KEPT_NAMED) {
        text.push_str("\n  ");
        let word = clean_line(&one.word);
        push(
            &mut text,
            format_args!("{} {word}: {} ({} times)", one.what, one.became, one.count),
        );
    }
    if others.len() > NOT_KEPT_NAMED {
        text.push_str("\n  ... --json has them all");
    }
    text
}

/// Says what is guessed of a table, and shows its first rows.
fn guess(table: &TableLook) -> String {
    let mut text = format!("\n\n{}: {}", clean_line(&table.path), table.encoding);
    text.push_str(if table.is_encoding_said {
        " (as you say)"
    } else {
        " (guessed)"
    });
    if let Some(sample) = &table.sample {
        push(&mut text, format_args!(", it reads: {sample}"));
    }
    let between = match table.separator {
        '\t' => "a tab".to_owned(),
        sign => format!("`{sign}`"),
    };
    push(
        &mut text,
        format_args!("\nBetween fields: {between}. Its columns:"),
    );
    for column in &table.columns {
        let because = match column.because {
            Because::Name => "by its name",
            Because::Content => "by what stands in it",
            Because::Said => "as you say",
            Because::Unknown => "nobody knows what it holds",
        };
        let field = column.field.map_or("left out", Field::word);
        push(
            &mut text,
            format_args!("\n  {} = {field}, {because}", column.name),
        );
    }
    if let Some(order) = table.days.order {
        let who = if table.days.is_said {
            "as you say"
        } else {
            "as some of its dates tell"
        };
        push(
            &mut text,
            format_args!("\n  Dates with slashes are {}, {who}.", order.word()),
        );
    }
    for (place, row) in table.rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| cut(cell, CELL)).collect();
        push(
            &mut text,
            format_args!("\n  row {}: {}", place + 1, cells.join(" | ")),
        );
    }
    text.push_str(
        "\nTo say otherwise: --map COLUMN=FIELD, --encoding NAME, --separator SIGN, \
                   --dates ORDER.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::import::Reject;

    #[test]
    fn a_files_name_poses_as_no_line_of_ours() {
        let done = Imported {
            rejected: vec![Reject {
                path: "a\n9 seen: 9 imported".to_owned(),
                reason: "it is empty".to_owned(),
            }],
            ..Imported::default()
        };

        let said = words(&done, "/r.jsonl");

        assert!(
            !said.lines().any(|line| line.starts_with("9 seen")),
            "{said}"
        );
    }
}
