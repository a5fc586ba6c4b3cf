//! Drafts that could not be made: noted when their run ended, offered when the way is free again.
//! Nothing is drafted before a person says so.

use super::{
    Desk, DeskError,
    face::{CatchUp, CatchUpRow, DeskEvent},
    route::Occasion,
};
use crate::{
    domain::{Ending, Missed, Page, Receipt, Task, TicketId, Usd},
    store::ReceiptFilter,
};

/// So many of the newest receipts say what a draft is likely to cost.
const LATELY: u64 = 100;

impl Desk {
    /// Returns the drafts of this agent that could not be made and are still wanted, with what they
    /// would cost.
    pub async fn catch_up(&self) -> Result<CatchUp, DeskError> {
        let likely = self.likely_cost().await?;
        let mut rows = Vec::new();
        for missed in self.store.missed(&self.agent()).await? {
            rows.push(CatchUpRow {
                likely,
                at_most: self.cost_at_most(&missed).await?,
                missed,
            });
        }
        Ok(CatchUp {
            rows,
            in_the_way: self.in_the_way().await?,
        })
    }

    /// Takes a ticket off that list; tells whether it was there.
    pub async fn drop_missed(&self, ticket: TicketId) -> Result<bool, DeskError> {
        let now = self.clock.now();
        let was_there = self.store.forget_missed(ticket, &self.agent(), now).await?;
        self.tell(DeskEvent::Spent);
        Ok(was_there)
    }

    /// Notes that a draft could not be made, or that it was.
    pub(super) async fn note_missed(
        &self,
        ticket: TicketId,
        receipt: &Receipt,
    ) -> Result<(), DeskError> {
        let (agent, now) = (&receipt.agent, self.clock.now());
        if receipt.ending.is_worth_another_try() {
            self.store
                .note_missed(ticket, agent, receipt.ending, now)
                .await?;
        } else if receipt.ending.has_text() {
            self.store.forget_missed(ticket, agent, now).await?;
        }
        Ok(())
    }

    /// Returns in words what stands in the way of a draft now.
    async fn in_the_way(&self) -> Result<Option<String>, DeskError> {
        let spend = self.spend().await?;
        if let Some(cap) = spend.paused_by {
            return Ok(Some(format!("{} is reached", cap.words())));
        }
        Ok(spend.outage.map(|outage| outage.short()))
    }

    /// Returns what a draft cost lately, on average.
    async fn likely_cost(&self) -> Result<Option<Usd>, DeskError> {
        let page = Page {
            offset: 0,
            limit: LATELY,
        };
        let receipts = self.store.receipts(&ReceiptFilter::default(), page).await?;
        let costs: Vec<Usd> = receipts
            .iter()
            .filter(|(_, it)| it.task == Task::Reply && it.ending == Ending::Answered)
            .map(|(_, it)| it.cost().amount())
            .collect();
        let sum: Usd = costs.iter().fold(Usd::ZERO, |sum, cost| sum.plus(*cost));
        let count = i64::try_from(costs.len()).unwrap_or(i64::MAX);
        Ok((count > 0).then(|| Usd::from_nanos(sum.nanos() / count)))
    }

    async fn cost_at_most(&self, missed: &Missed) -> Result<Option<Usd>, DeskError> {
        let view = self.ticket(missed.ticket.id).await?;
        let prompt_at_most = self.prompted(&view, None).ask.tokens_at_most();
        let occasion = Occasion {
            prompt_at_most,
            turn: 0,
        };
        let links = self.route(Some(&view), None, occasion).await?.links;
        let settings = self.settings();
        let costs = links
            .iter()
            .filter_map(|link| self.estimate(link, &settings, prompt_at_most));
        Ok(costs.max())
    }
}
