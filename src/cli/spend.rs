//! `deskhand spend`: this month's AI spend, and the cap.

use serde_json::{Value, json};

use super::{
    Call,
    receipt_args::{SpendArgs, SpendCommand},
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{
        Desk,
        face::{CapView, SpendView},
    },
    domain::{Cap, CapName, Usd},
    engine::outage::Outage,
};

/// Shows the meter, or sets the cap and shows it then.
pub(super) async fn run(call: &Call, args: SpendArgs) -> Result<Exit, Stop> {
    let view = match args.command {
        Some(SpendCommand::Cap {
            amount,
            day,
            ticket,
        }) => {
            let cap = read_cap(&amount)?;
            let beside = match (day, ticket) {
                (true, _) => Some(CapName::Day),
                (false, true) => Some(CapName::Ticket),
                (false, false) => None,
            };
            call.at_desk(async |desk| set(desk, cap, beside).await)
                .await?
        }
        Some(SpendCommand::Reconcile { receipt, usd }) => {
            return reconcile(call, &receipt, &usd).await;
        }
        None => call.at_desk(async |desk| Ok(desk.spend().await?)).await?,
    };
    call.out.answer(|| to_json(&view), || in_words(&view));
    Ok(Exit::OK)
}

async fn set(desk: &Desk, cap: Cap, beside: Option<CapName>) -> Result<SpendView, Stop> {
    let Some(name) = beside else {
        return Ok(desk.set_cap(cap).await?);
    };
    let usd = match cap {
        Cap::Month(usd) => Some(usd),
        Cap::None | Cap::NotChosen => None,
    };
    Ok(desk.set_side_cap(name, usd).await?)
}

async fn reconcile(call: &Call, receipt: &str, usd: &str) -> Result<Exit, Stop> {
    let invoice: Usd = usd.parse()?;
    if invoice < Usd::ZERO {
        return Err(Stop::usage("An invoice cannot be below zero."));
    }
    let (receipt, booked) = call
        .at_desk(async |desk| Ok(desk.reconcile(receipt, invoice).await?))
        .await?;
    call.out.answer(
        || {
            json!({
                "receipt": receipt.id,
                "ledger_before_usd": booked.before.amount().to_string(),
                "ledger_before_at_most": booked.before.is_at_most(),
                "ledger_usd": booked.after.to_string(),
            })
        },
        || {
            format!(
                "Receipt {}: the ledger had {} and has {} now, as the invoice says. The receipt \
                 itself stays as it was written.",
                receipt.id,
                booked.before.for_people(),
                booked.after.for_people()
            )
        },
    );
    Ok(Exit::OK)
}

fn read_cap(amount: &str) -> Result<Cap, Stop> {
    if amount == "none" {
        return Ok(Cap::None);
    }
    let usd: Usd = amount.parse()?;
    if usd < Usd::ZERO {
        return Err(Stop::usage("A cap cannot be below zero.")
            .advising("Write an amount such as 20, or `none`."));
    }
    Ok(Cap::Month(usd))
}

fn to_json(view: &SpendView) -> Value {
    let meter = &view.meter;
    let cap = match meter.cap {
        Cap::Month(usd) => Some(usd.to_string()),
        Cap::None | Cap::NotChosen => None,
    };
    json!({
        "period": meter.period.name,
        "ends": meter.period.ends,
        "cap_usd": cap,
        "cap_because": view.cap_because,
        "settled_usd": meter.settled().to_string(),
        "at_most_usd": meter.settled_at_most.to_string(),
        "held_usd": meter.held.to_string(),
        "percent": meter.percent(),
        "percent_because": meter.percent().is_none().then_some("there is no cap"),
        "paused": meter.paused,
        "paused_by": view.paused_by.map(CapName::word),
        "providers_down": view.outage.as_deref().map(outage_json),
        "drafts_waiting": view.missed,
        "caps": view.caps.iter().map(cap_json).collect::<Vec<_>>(),
    })
}

fn outage_json(outage: &Outage) -> Value {
    json!({
        "words": outage.short(),
        "failing": outage.failing,
        "keys_refused": outage.refused,
    })
}

fn cap_json(cap: &CapView) -> Value {
    json!({
        "cap": cap.name.word(),
        "cap_usd": cap.cap.to_string(),
        "settled_usd": cap.settled.amount().to_string(),
        "at_most": cap.settled.is_at_most(),
        "held_usd": cap.held.to_string(),
        "ends": cap.ends,
    })
}

fn in_words(view: &SpendView) -> String {
    let meter = &view.meter;
    let sign = if meter.settled_at_most > Usd::ZERO {
        "~"
    } else {
        ""
    };
    let percent = meter
        .percent()
        .map(|percent| format!(", {percent} %"))
        .unwrap_or_default();
    let month = &meter.period.name;
    let settled = meter.settled().for_people();
    let because = &view.cap_because;
    let mut text = match meter.cap {
        Cap::Month(cap) => {
            let cap = cap.beside(cap);
            format!("{month}: {sign}{settled} of {cap} used{percent} ({because}).")
        }
        Cap::None | Cap::NotChosen => {
            format!("{month}: {sign}{settled} used; the cap is {because}.")
        }
    };
    if meter.held > Usd::ZERO {
        let held = meter.held.for_people();
        words::push(
            &mut text,
            format_args!("\n{held} is held for calls under way or to come."),
        );
    }
    if meter.settled_at_most > Usd::ZERO {
        words::push(
            &mut text,
            format_args!(
                "\nOf this {} is certain and ~{} at most; `deskhand spend reconcile` books what an \
                 invoice says.",
                meter.settled_known.for_people(),
                meter.settled_at_most.for_people()
            ),
        );
    }
    for cap in view.caps.iter().filter(|cap| cap.name == CapName::Day) {
        words::push(
            &mut text,
            format_args!(
                "\nToday: {}{} of {} used.",
                if cap.settled.is_at_most() { "~" } else { "" },
                cap.settled.amount().beside(cap.cap),
                cap.cap.beside(cap.cap)
            ),
        );
    }
    say_paused(view, &mut text);
    if meter.cap == Cap::NotChosen {
        text.push_str(
            "\nChoose a monthly cap: `deskhand spend cap 20`, or `deskhand spend cap none`.",
        );
    }
    text
}

fn say_paused(view: &SpendView, text: &mut String) {
    if let Some(by) = view.paused_by {
        let ends = view.caps.iter().find(|cap| cap.name == by);
        let resumes = words::day(ends.map_or(view.meter.period.ends, |cap| cap.ends));
        let flag = if by == CapName::Day { " --day" } else { "" };
        words::push(
            text,
            format_args!(
                "\nAI paused: what {} leaves does not pay for a draft. Nothing is lost: read, \
                 write, search, set as before. Resumes {resumes}, or `deskhand spend cap{flag} \
                 AMOUNT` to raise the cap.",
                by.words()
            ),
        );
    }
    if let Some(outage) = &view.outage {
        let down = outage.short();
        words::push(
            text,
            format_args!("\nAI paused: {down}. `deskhand providers` says more."),
        );
    }
    if view.missed > 0 {
        let drafts = if view.missed == 1 { "draft" } else { "drafts" };
        let many = view.missed;
        words::push(
            text,
            format_args!("\n{many} {drafts} could not be made: `deskhand catch-up`."),
        );
    }
}
