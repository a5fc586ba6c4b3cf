//! `deskhand draft NUMBER --keep` and `--compare`: what a person does about a draft that is there.

use serde_json::json;

use super::{
    Call, json,
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{comparing::Compared, send::letter::messages_of_people},
    domain::DraftOrigin,
    text::compare::{Part, Side},
};

/// Says of a stale draft that it answers the newest message too.
pub(super) async fn keep(call: &Call, number: i64) -> Result<Exit, Stop> {
    let kept = call.at_desk(async |desk| {
        let ticket = desk.by_number(number).await?;
        let seen = messages_of_people(&desk.ticket(ticket).await?.messages);
        Ok(desk.keep_draft(ticket, seen).await?)
    });
    let draft = kept.await?;
    call.out.answer(
        || json!({ "draft": json::draft(&draft) }),
        || format!("Kept: the draft of #{number} answers the newest message too."),
    );
    Ok(Exit::OK)
}

/// Prints the draft beside the text before it.
pub(super) async fn compare(call: &Call, number: i64) -> Result<Exit, Stop> {
    let compared = call.at_desk(async |desk| {
        let ticket = desk.by_number(number).await?;
        Ok(desk.compare(ticket).await?)
    });
    let Compared { before, now, parts } = compared.await?;
    let out = &call.out;
    if out.is_json() {
        let side = |(origin, at)| json!({ "origin": origin, "saved_at": at });
        let part = |part: &Part| json!({ "sign": sign(part.side), "text": part.text });
        let parts: Vec<_> = parts.iter().map(part).collect();
        out.json(&json!({ "before": side(before), "now": side(now), "parts": parts }));
        return Ok(Exit::OK);
    }
    out.line(&format!("- {}, {}", whose(before.0), words::day(before.1)));
    out.line(&format!("+ {}, {}", whose(now.0), words::day(now.1)));
    for part in &parts {
        out.line(&format!("{} {}", sign(part.side), part.text));
    }
    Ok(Exit::OK)
}

const fn sign(side: Side) -> &'static str {
    match side {
        Side::Both => " ",
        Side::Old => "-",
        Side::New => "+",
    }
}

const fn whose(origin: DraftOrigin) -> &'static str {
    match origin {
        DraftOrigin::Ai => "written by AI",
        DraftOrigin::Mixed => "AI's words, changed by a person",
        DraftOrigin::Human => "written by a person",
    }
}
