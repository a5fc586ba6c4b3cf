//! `deskhand prices`: which prices are missing, old or about to end, and prices from elsewhere.

use serde_json::{Value, json};

use super::{
    Call,
    ai_args::{ImportPricesArgs, PricesArgs, PricesCommand},
    stop::{Exit, Stop},
};
use crate::{
    config::{price_import::Import, price_rows::BookRow},
    desk::models::{Rehearse, import_prices, today},
};

/// Checks or imports.
pub(super) async fn run(call: &Call, args: PricesArgs) -> Result<Exit, Stop> {
    match args.command {
        PricesCommand::Check => check(call).await,
        PricesCommand::Import(args) => import(call, &args),
    }
}

async fn check(call: &Call) -> Result<Exit, Stop> {
    let found = call.at_desk(async |desk| Ok(desk.price_faults().await?));
    let (faults, used) = found.await?;
    if call.out.is_json() {
        let list = faults.iter().map(
            |(link, fault)| json!({ "link": link, "fault": fault.word(), "words": fault.words() }),
        );
        call.out.json(&json!({
            "in_use": used,
            "ok": faults.is_empty(),
            "faults": list.collect::<Vec<Value>>(),
        }));
    } else {
        for (link, fault) in &faults {
            call.out.line(&format!("{link}: {}.", fault.words()));
        }
        call.out.line(&match (faults.is_empty(), used) {
            (true, 0) => "No model is in use: there is no key and no chain yet.".to_owned(),
            (true, _) => format!("The prices of all {used} models in use are known and fresh."),
            (false, _) => {
                "`deskhand prices import FILE` brings newer ones; [models.\"provider/name\"] \
                           in the config sets one by hand."
                    .to_owned()
            }
        });
    }
    Ok(if faults.is_empty() {
        Exit::OK
    } else {
        Exit::FAILED
    })
}

fn import(call: &Call, args: &ImportPricesArgs) -> Result<Exit, Stop> {
    let own = call.paths.prices_file();
    let rehearse = if args.dry_run {
        Rehearse::Yes
    } else {
        Rehearse::No
    };
    let import = import_prices(&args.file, &own, today(), rehearse)
        .map_err(|fault| Stop::usage(format!("Nothing was imported: {fault}.")))?;
    call.out.answer(
        || {
            let changes = import.changes.iter().map(|(row, old)| {
                json!({
                    "provider": row.provider,
                    "model": row.model,
                    "now": amounts(row),
                    "before": old.as_ref().map(amounts),
                })
            });
            json!({
                "file": own.display().to_string(),
                "written": rehearse == Rehearse::No && !import.changes.is_empty(),
                "same": import.same,
                "passed_over": import.passed_over,
                "changes": changes.collect::<Vec<Value>>(),
            })
        },
        || words(&import, &own.display().to_string(), rehearse),
    );
    Ok(Exit::OK)
}

fn amounts(row: &BookRow) -> Value {
    json!({
        "price_in_usd_per_million": row.input.to_string(),
        "price_out_usd_per_million": row.output.to_string(),
        "tiers": row.tiers.len(),
        "source": row.source,
    })
}

fn words(import: &Import, file: &str, rehearse: Rehearse) -> String {
    let mut lines: Vec<String> = import.changes.iter().map(change).collect();
    let (count, same) = (import.changes.len(), import.same);
    lines.push(match (count, rehearse) {
        (0, _) => format!("Nothing to change: {same} prices are known as they stand there."),
        (_, Rehearse::Yes) => format!("{count} prices would change in {file}; {same} stay."),
        (_, Rehearse::No) => format!("{count} prices written to {file}; {same} stay."),
    });
    lines.join("\n")
}

fn change((row, old): &(BookRow, Option<BookRow>)) -> String {
    let pair = |row: &BookRow| {
        format!(
            "in {} out {}",
            row.input.for_people(),
            row.output.for_people()
        )
    };
    let before = old
        .as_ref()
        .map_or_else(|| "new".to_owned(), |old| format!("was {}", pair(old)));
    format!("{}/{}  {} ({before})", row.provider, row.model, pair(row))
}
