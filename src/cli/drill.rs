//! `deskhand drill`: what an outage would do, played through simulated providers.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Call,
    ai_args::DrillArgs,
    json,
    out::note,
    stop::{Exit, Stop},
    words,
};
use crate::desk::drill::{DrillAsk, Drilled};

/// Plays the drill and prints its receipt. Exits as the draft would.
pub(super) async fn run(call: &Call, args: &DrillArgs) -> Result<Exit, Stop> {
    let drilled = call
        .at_desk(async |desk| {
            let ticket = match args.ticket {
                Some(number) => Some(desk.by_number(number).await?),
                None => None,
            };
            let ask = DrillAsk {
                plan: args.plan.clone(),
                ticket,
                chain: args.chain.clone(),
            };
            let cancel = CancellationToken::new();
            let drilling = desk.drill(&ask, &cancel);
            tokio::pin!(drilling);
            let drilled = tokio::select! {
                drilled = &mut drilling => drilled,
                () = super::draft::told_to_stop() => {
                    cancel.cancel();
                    drilling.await
                }
            };
            Ok(drilled?)
        })
        .await?;
    let Drilled { text, receipt } = &drilled;
    if call.out.is_json() {
        let text = text.as_ref().map_or(Value::Null, |text| json!(text));
        call.out.json(
            &json!({ "drill": { "text": text, "kept": false }, "receipt": json::receipt(receipt) }),
        );
    } else {
        if let Some(text) = text {
            call.out.text(text);
            call.out.text("\n");
        }
        call.out.text(&words::receipt(receipt));
        note("A drill: simulated providers, no key read, no money spent, nothing kept.");
    }
    Ok(Exit::after(receipt.ending))
}
