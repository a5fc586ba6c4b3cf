//! What a person does about links: rest, wake, try; and drills.

use super::trouble;
use crate::tui::{
    effect::Effect,
    event::{Done, Trouble},
    words,
};
use crate::{
    desk::{
        Desk,
        drill::{DrillAsk, DrillPlan, Drilled},
    },
    domain::{LinkName, Receipt},
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn links(desk: &Arc<Desk>, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::Rest(whom, time) => {
            let rested = match desk.whom(&whom) {
                Ok(whom) => desk.rest_by_hand(&whom, time).await,
                Err(why) => Err(why),
            };
            let words = |_| format!("{whom} is left alone; w asks it again.");
            Done::LinkDone(rested.map(words).map_err(trouble))
        }
        Effect::Wake(whom) => {
            let woken = match desk.whom(&whom) {
                Ok(whom) => desk.wake_by_hand(&whom).await,
                Err(why) => Err(why),
            };
            let words = |()| format!("{whom} is asked again from now on.");
            Done::LinkDone(woken.map(words).map_err(trouble))
        }
        Effect::Probe(link) => {
            let probed = desk.probe(&link, &CancellationToken::new()).await;
            Done::LinkDone(probed.map(|it| probed_words(&link, &it)).map_err(trouble))
        }
        Effect::Drill(plan, ticket) => Done::Drilled(drill(desk, plan, ticket).await),
        _ => return None,
    })
}

pub(super) async fn drill(
    desk: &Arc<Desk>,
    plan: DrillPlan,
    number: Option<i64>,
) -> Result<Box<Drilled>, Trouble> {
    let ticket = match number {
        Some(number) => Some(desk.by_number(number).await.map_err(trouble)?),
        None => None,
    };
    let ask = DrillAsk {
        plan,
        ticket,
        chain: None,
    };
    let drilled = desk.drill(&ask, &CancellationToken::new()).await;
    drilled.map(Box::new).map_err(trouble)
}

/// Returns what a try of a link showed.
pub(super) fn probed_words(link: &LinkName, receipt: &Receipt) -> String {
    let cost = receipt.cost().for_people();
    if receipt.ending.has_text() {
        let took = receipt.attempts.last().map(|attempt| attempt.took);
        let took = words::seconds(took.unwrap_or_default());
        return format!("{link} answers, in {took} for {cost}.");
    }
    let last = receipt.attempts.last();
    let why = last.and_then(|attempt| {
        let said = attempt.said.as_deref().map(|said| format!(": {said}"));
        Some(format!(
            "{}{}",
            attempt.class?.words(),
            said.unwrap_or_default()
        ))
    });
    let why = why.unwrap_or_else(|| receipt.ending.word().replace('_', " "));
    format!("{link} does not answer ({why}), for {cost}.")
}
