//! `deskhand tickets`: the rows that a query finds, by number.

use super::{
    Call,
    args::TicketsArgs,
    json, out,
    stop::{Exit, Stop},
    words,
};
use crate::domain::Query;

/// Prints every ticket that matches: without a query, all of them in every status.
pub(super) async fn run(call: &Call, args: &TicketsArgs) -> Result<Exit, Stop> {
    let query = Query::parse(&args.query.join(" "))?;
    let rows = call
        .at_desk(async |desk| Ok(desk.list(&query, args.limit).await?))
        .await?;
    for row in &rows {
        if call.out.is_gone() {
            break;
        }
        if call.out.is_json() {
            call.out.json(&json::row(row));
        } else {
            call.out.line(&words::row(row));
        }
    }
    if rows.is_empty() && !call.out.is_json() {
        out::note(if args.query.is_empty() {
            "There are no tickets yet. `deskhand import PATH` files mail as tickets."
        } else {
            "No ticket matches."
        });
    }
    Ok(Exit::OK)
}
