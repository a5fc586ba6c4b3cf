//! Reads for the screen.

use super::trouble;
use crate::tui::{
    effect::{Effect, ReceiptSpan},
    event::Done,
    paint::safe,
    setup::MailSources,
};
use crate::{desk::Desk, domain::ProviderName};
use std::sync::Arc;

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn read(desk: &Arc<Desk>, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::LoadPage {
            query,
            offset,
            limit,
            keep,
            turn,
        } => {
            let page = match keep {
                Some(ticket) => desk.queue_with(&query, (offset, limit), ticket).await,
                None => desk.queue(&query, offset, limit).await,
            };
            let page = page.map_err(trouble);
            Done::Page { turn, page }
        }
        Effect::LoadTicket(ticket) => {
            let view = desk.ticket(ticket).await;
            if let Ok(view) = &view {
                desk.warm_for(view);
            }
            Done::Ticket(ticket, view.map(Box::new).map_err(trouble))
        }
        Effect::Compare(ticket) => {
            let compared = desk.compare(ticket).await;
            Done::Compared(ticket, compared.map(Box::new).map_err(trouble))
        }
        Effect::LoadSpend => Done::Spend(desk.spend().await.map_err(trouble)),
        Effect::LoadBanners => Done::Banners(banners(desk).await, desk.hint()),
        Effect::LoadChains => Done::Chains(desk.routing().await.map_err(trouble)),
        Effect::LoadAccounts => Done::Accounts(mail_sources(desk).await),
        Effect::LoadKeys => Done::Keys(desk.keys().await.map_err(trouble)),
        Effect::LoadProviders => Done::Providers(desk.link_healths().await.map_err(trouble)),
        Effect::LoadOverview(days) => {
            let view = desk.overview(desk.days_ago(days)).await;
            Done::Overview(days, view.map(Box::new).map_err(trouble))
        }
        Effect::LoadCatchUp => Done::CatchUp(desk.catch_up().await.map_err(trouble)),
        Effect::LoadOutbox => Done::Outbox(desk.waiting_replies().await.map_err(trouble)),
        Effect::LoadReceipts(ask) => {
            let (before, after) = match ask.span {
                ReceiptSpan::Newest => (None, None),
                ReceiptSpan::Before(entry) => (Some(entry), None),
                ReceiptSpan::After(entry) => (None, Some(entry)),
            };
            let page = desk.receipt_page(&ask.query, before, after).await;
            Done::Receipts(ask, page.map(Box::new).map_err(trouble))
        }
        _ => return None,
    })
}

/// Returns where mail comes from; nothing when it cannot be read just now.
async fn mail_sources(desk: &Desk) -> MailSources {
    let accounts = desk.accounts(None).unwrap_or_default().into_iter();
    MailSources {
        accounts: accounts.map(|account| account.address).collect(),
        has_files: desk.has_imported().await.unwrap_or_default(),
    }
}

pub(super) async fn banners(desk: &Desk) -> Vec<String> {
    let refused = desk.refused_keys().await.unwrap_or_default();
    let words = |(provider, said): (ProviderName, Option<String>)| {
        let said = said.map_or_else(String::new, |said| format!(" ({})", safe(&said)));
        let again = if desk.is_demo() {
            "; t on the Keys screen asks it again."
        } else {
            " until a new one is set: Keys screen."
        };
        format!("{provider} refused its key{said} and is left out{again}")
    };
    refused.into_iter().map(words).collect()
}
