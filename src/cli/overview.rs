//! `deskhand overview`: what the receipts say together.

use serde_json::{Value, json};

use super::{
    Call,
    receipt_args::OverviewArgs,
    stop::{Exit, Stop},
};
use crate::{
    desk::face::OverviewView,
    domain::{Cost, Usd, receipt_query},
    engine::figures::{Calls, FirstText, Tally, percent},
};

/// Prints the overview.
pub(super) async fn run(call: &Call, args: &OverviewArgs) -> Result<Exit, Stop> {
    let view = call
        .at_desk(async |desk| {
            let since = receipt_query::time(&args.since, desk.now())
                .map_err(|error| Stop::usage(format!("{error}.")))?;
            Ok(desk.overview(since).await?)
        })
        .await?;
    call.out.answer(|| to_json(&view), || in_words(&view));
    Ok(Exit::OK)
}

fn cost(fields: &mut serde_json::Map<String, Value>, cost: Cost) {
    fields.insert("cost_usd".to_owned(), cost.amount().to_string().into());
    fields.insert("cost_at_most".to_owned(), cost.is_at_most().into());
}

fn tally(name: &str, key: &str, tally: &Tally) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert(name.to_owned(), key.into());
    fields.insert("asked".to_owned(), tally.asked.into());
    fields.insert("answered".to_owned(), tally.answered.into());
    fields.insert("fallback".to_owned(), tally.fallback.into());
    let rate = tally.rate();
    fields.insert("fallback_percent".to_owned(), json!(rate.map(hundredths)));
    if rate.is_none() {
        fields.insert(
            "fallback_percent_because".to_owned(),
            "nothing was answered".into(),
        );
    }
    cost(&mut fields, tally.cost);
    Value::Object(fields)
}

/// Writes hundredths as a decimal text: `"1.67"`.
fn hundredths(rate: u64) -> String {
    format!("{}.{:02}", rate / 100, rate % 100)
}

fn calls(name: &str, key: &str, calls: &Calls) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert(name.to_owned(), key.into());
    fields.insert("calls".to_owned(), calls.calls.into());
    cost(&mut fields, calls.cost);
    Value::Object(fields)
}

fn to_json(view: &OverviewView) -> Value {
    let figures = &view.figures;
    let days: Vec<Value> = figures
        .days()
        .map(|(day, of)| tally("day", &day.to_string(), of))
        .collect();
    let weeks: Vec<Value> = figures
        .weeks()
        .iter()
        .map(|(monday, of)| tally("week_of", &monday.to_string(), of))
        .collect();
    let models: Vec<Value> = figures
        .models()
        .iter()
        .map(|(link, of)| calls("link", &link.to_string(), of))
        .collect();
    let tasks: Vec<Value> = figures
        .tasks()
        .iter()
        .map(|(task, of)| calls("task", task, of))
        .collect();
    let failures: Vec<Value> = figures
        .failures()
        .iter()
        .map(|((provider, class), count)| {
            json!({ "provider": provider, "class": class, "count": count })
        })
        .collect();
    let difference = figures.difference();
    json!({
        "since": view.since,
        "whole": tally("since", &view.since.to_string(), &figures.whole()),
        "last_week": tally("until", &view.today.to_string(), &view.week.last_week(view.today)),
        "days": days,
        "weeks": weeks,
        "sentence": view.week.sentence(view.today),
        "advice": view.week.advice(view.today).map(|advice| json!({
            "primary": advice.primary,
            "backup": advice.backup,
            "words": advice.words(),
        })),
        "fallback_added_usd": difference.added.to_string(),
        "fallback_saved_usd": difference.saved.to_string(),
        "fallback_unknown": difference.unknown,
        "failures": failures,
        "models": models,
        "tasks": tasks,
        "first_text": first_texts(view),
        "month": view.spend.meter.period.name,
        "month_settled_usd": view.spend.meter.settled().to_string(),
        "month_at_most": view.spend.meter.cost().is_at_most(),
        "month_forecast_usd": view.forecast.map(|usd| usd.to_string()),
        "month_forecast_because":
            view.forecast.is_none().then_some("the month has only begun"),
    })
}

fn first_texts(view: &OverviewView) -> Vec<Value> {
    let texts = view.figures.first_texts();
    let one = |(link, of): (&crate::domain::LinkName, &FirstText)| {
        json!({
            "link": link,
            "count": of.count,
            "p50_ms": u64::try_from(of.p50.as_millis()).unwrap_or(u64::MAX),
            "p95_ms": u64::try_from(of.p95.as_millis()).unwrap_or(u64::MAX),
        })
    };
    texts.iter().map(one).collect()
}

fn in_words(view: &OverviewView) -> String {
    let figures = &view.figures;
    let whole = figures.whole();
    let mut lines = vec![
        format!("Since {}", super::words::day(view.since)),
        format!(
            "  drafts asked for   {:>6}   answered {}, by a backup {}{}",
            whole.asked,
            whole.answered,
            whole.fallback,
            whole
                .rate()
                .map_or_else(String::new, |rate| format!(" ({})", percent(rate)))
        ),
        format!("  cost               {:>9}", whole.cost.for_people()),
    ];
    let meter = &view.spend.meter;
    let forecast = view.forecast.map_or_else(
        || "unknown yet".to_owned(),
        |usd| format!("~{}", usd.for_people()),
    );
    lines.push(format!(
        "  {} so far      {:>9}   at this pace {forecast} by its end",
        meter.period.name,
        meter.cost().for_people()
    ));
    lines.push(difference(view));
    tables(view, &mut lines);
    lines.join("\n")
}

fn tables(view: &OverviewView, lines: &mut Vec<String>) {
    let figures = &view.figures;
    lines.extend(view.week.sentence(view.today));
    lines.extend(view.week.advice(view.today).map(|advice| advice.words()));
    table(
        lines,
        "Fallback by week",
        figures.weeks().iter().map(|(monday, of)| {
            let rate = of.rate().map_or_else(|| "unknown".to_owned(), percent);
            format!(
                "{monday}  {:>6} answered  {:>5} by a backup  {rate:>9}",
                of.answered, of.fallback
            )
        }),
    );
    table(
        lines,
        "Fallback and spend by day",
        figures.days().map(|(day, of)| {
            let rate = of.rate().map_or_else(|| "unknown".to_owned(), percent);
            format!(
                "{day}  {:>6} answered  {:>5} by a backup  {rate:>9}  {:>10}",
                of.answered,
                of.fallback,
                of.cost.for_people()
            )
        }),
    );
    table(
        lines,
        "Failures",
        figures.failures().iter().map(|((provider, class), count)| {
            format!("{provider:<16} {:<16} {count:>6}", class.word())
        }),
    );
    spend_tables(view, lines);
}

fn spend_tables(view: &OverviewView, lines: &mut Vec<String>) {
    let figures = &view.figures;
    table(
        lines,
        "Spend by model",
        figures.models().iter().map(|(link, of)| {
            format!(
                "{:<40} {:>6} calls  {:>10}",
                link.to_string(),
                of.calls,
                of.cost.for_people()
            )
        }),
    );
    table(
        lines,
        "Spend by task",
        figures.tasks().iter().map(|(task, of)| {
            format!(
                "{task:<40} {:>6} calls  {:>10}",
                of.calls,
                of.cost.for_people()
            )
        }),
    );
    let texts = figures.first_texts();
    table(
        lines,
        "First text",
        texts.iter().map(|(link, of)| {
            format!(
                "{:<40} p50 {:>6} ms  p95 {:>6} ms  of {}",
                link.to_string(),
                of.p50.as_millis(),
                of.p95.as_millis(),
                of.count
            )
        }),
    );
}

fn difference(view: &OverviewView) -> String {
    let of = view.figures.difference();
    let unknown = match of.unknown {
        0 => String::new(),
        count => format!("; {count} without a known price of the first choice"),
    };
    // What the first choice would have cost is an estimate.
    let money = |usd: Usd| format!("~{}", usd.for_people());
    format!(
        "  fallback added     {:>9}   saved {}{unknown}",
        money(of.added),
        money(of.saved)
    )
}

fn table(lines: &mut Vec<String>, head: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.map(|row| format!("  {row}")).collect();
    if !rows.is_empty() {
        lines.push(head.to_owned());
        lines.extend(rows);
    }
}
