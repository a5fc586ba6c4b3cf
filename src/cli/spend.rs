//! `deskhand spend`: this month's AI spend, and the cap.

use serde_json::{Value, json};

use super::{
    Call,
    args::{SpendArgs, SpendCommand},
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::face::SpendView,
    domain::{Cap, Usd},
};

/// Shows the meter, or sets the cap and shows it then.
pub(super) async fn run(call: &Call, args: SpendArgs) -> Result<Exit, Stop> {
    let cap = match args.command {
        Some(SpendCommand::Cap { amount }) => Some(read_cap(&amount)?),
        None => None,
    };
    let view = call.at_desk(async |desk| match cap {
        Some(cap) => Ok(desk.set_cap(cap).await?),
        None => Ok(desk.spend().await?),
    });
    let view = view.await?;
    call.out.answer(|| to_json(&view), || in_words(&view));
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
            format_args!("\n{held} is held for drafts under way."),
        );
    }
    if meter.paused {
        let resumes = words::day(meter.period.ends);
        words::push(
            &mut text,
            format_args!(
                "\nAI paused: the rest does not pay for a draft. Nothing is lost: read, write, \
                 search, set as before. Resumes {resumes}, or `deskhand spend cap AMOUNT` to raise \
                 the cap."
            ),
        );
    }
    if meter.cap == Cap::NotChosen {
        text.push_str(
            "\nChoose a monthly cap: `deskhand spend cap 20`, or `deskhand spend cap none`.",
        );
    }
    text
}
