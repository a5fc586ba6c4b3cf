//! The outbox at work: what is due leaves, while a desk is open or when a command says so.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::broadcast::error::RecvError,
    time::{sleep, timeout},
};

use super::{Delivered, ack::is_ack_due, copies::Resting};
use crate::{
    desk::{Desk, DeskError, face::DeskEvent},
    domain::{Delivery, OutboxId, OutboxKind, Timestamp},
    text::clean::without_stop,
};

/// The name of this work among the leases.
const LEASE: &str = "outbox";
/// After a failure of our own the outbox is looked at again.
pub(super) const AGAIN: Duration = Duration::from_secs(30);
/// So long a desk that closes waits for the copies of what has just left.
const LAST_COPIES: Duration = Duration::from_secs(3);

/// What a command that sends tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentNow {
    /// What left.
    pub sent: Vec<OutboxId>,
    /// Which of these had left before, and were found in a folder of sent mail.
    pub found: Vec<OutboxId>,
    /// What waits on.
    pub held: Vec<OutboxId>,
    /// What was refused, or could not be sent now, with the words said.
    pub failed: Vec<(OutboxId, String)>,
    /// Which of the failed ones only wait: they are tried again then.
    pub again: Vec<(OutboxId, Timestamp)>,
    /// Which of the failed ones were stopped by a fault of ours: the outbox tells how they stand.
    pub stopped: Vec<OutboxId>,
    /// Of what nobody knows.
    pub unsure: Vec<OutboxId>,
}

impl SentNow {
    /// Notes what came of one reply. What stands in the way of it does not keep the others waiting.
    fn take(&mut self, id: OutboxId, delivered: Result<Delivered, DeskError>) {
        match delivered {
            Ok(Delivered::Sent) => self.sent.push(id),
            Ok(Delivered::Later(then, said) | Delivered::Unreached(then, said)) => {
                self.again.push((id, then));
                self.failed.push((id, said));
            }
            Ok(Delivered::Failed(said)) => self.failed.push((id, said)),
            Ok(Delivered::Unsure(_)) => self.unsure.push(id),
            Ok(Delivered::NotOurs) => self.held.push(id),
            Err(error) => {
                self.stopped.push(id);
                self.failed.push((id, error.to_string()));
            }
        }
    }
}

impl Desk {
    /// Sends what is due, for a desk that stays open. What was due before it began is left to
    /// the person.
    pub(in crate::desk) async fn run_outbox(self: Arc<Self>) {
        if self.is_demo() {
            return;
        }
        self.keep_at(LEASE, |desk| async move { desk.send_as_due().await })
            .await;
    }

    async fn send_as_due(&self) {
        let mut resting = Resting::default();
        // Beside each other: a mailbox that keeps silent keeps no reply waiting.
        let copying = Box::pin(self.copy_as_due(&mut resting));
        tokio::join!(Box::pin(self.send_each_as_due()), copying);
        let last = timeout(LAST_COPIES, self.keep_copies(&mut resting));
        if let Ok(kept) = last.await {
            logged(kept);
        }
    }

    async fn send_each_as_due(&self) {
        let began = self.clock.now();
        let mut events = self.events();
        let mut settings = self.settings.subscribe();
        self.say_what_waits(began).await;
        loop {
            let next = logged(self.send_due(began).await).unwrap_or(Some(AGAIN));
            tokio::select! {
                () = pause(next) => {}
                () = outbox_may_have_changed(&mut events) => {}
                Ok(()) = settings.changed() => {}
                () = self.background.stop.cancelled() => return,
            }
        }
    }

    /// Puts copies of what has left into the folders of sent mail, until the desk closes.
    async fn copy_as_due(&self, resting: &mut Resting) {
        let mut events = self.events();
        let mut settings = self.settings.subscribe();
        loop {
            let kept = tokio::select! {
                kept = self.keep_copies(resting) => logged(kept),
                () = self.background.stop.cancelled() => return,
            };
            let now = self.clock.now();
            let next = match kept {
                Some(next) => next.map(|next| Duration::try_from(next - now).unwrap_or_default()),
                None => Some(AGAIN),
            };
            tokio::select! {
                () = pause(next) => {}
                () = outbox_may_have_changed(&mut events) => {}
                // A password may be another one though the config says the same as before.
                Ok(()) = settings.changed() => resting.forget(),
                () = self.background.stop.cancelled() => return,
            }
        }
    }

    /// Sends what is due and returns how long until the next is; none when nothing waits.
    async fn send_due(&self, began: Timestamp) -> Result<Option<Duration>, DeskError> {
        let mut next = match logged(self.settle_dead().await) {
            Some(next) => next,
            None => self.clock.now().checked_add(AGAIN).ok(),
        };
        for (row, ticket) in self.store.open_outbox().await? {
            // An automatic answer asks nobody, also when it was queued before.
            let (is_ack, now) = (row.kind == OutboxKind::Ack, self.clock.now());
            let was_waiting = |due: Timestamp| due <= began && !is_ack_due(&row, now);
            let Some(due) = row.progress.due_at().filter(|due| !was_waiting(*due)) else {
                continue;
            };
            if row.progress.delivery != Delivery::Held {
                continue;
            }
            if due > now {
                next = Some(next.map_or(due, |next| next.min(due)));
                continue;
            }
            let Some(delivered) = logged(self.deliver(row.id, (!is_ack).then_some(began)).await)
            else {
                // What stands in the way of one does not keep the others waiting.
                let again = self.clock.now().checked_add(AGAIN).ok();
                next = [next, again].into_iter().flatten().min();
                continue;
            };
            match delivered {
                Delivered::Later(due, said) | Delivered::Unreached(due, said) => {
                    next = Some(next.map_or(due, |next| next.min(due)));
                    if row.progress.attempts == 0 && !is_ack {
                        self.remark(format!(
                            "The reply to #{} did not leave yet: {}. It is tried again.",
                            ticket.number,
                            without_stop(&said)
                        ));
                    }
                }
                delivered @ (Delivered::Sent
                | Delivered::Failed(_)
                | Delivered::Unsure(_)
                | Delivered::NotOurs) => {
                    if !is_ack {
                        self.say(ticket.number, &delivered);
                    }
                }
            }
        }
        let now = self.clock.now();
        Ok(next.map(|next| Duration::try_from(next - now).unwrap_or(Duration::ZERO)))
    }

    fn say(&self, number: i64, delivered: &Delivered) {
        let words = match delivered {
            Delivered::Sent => format!("The reply to #{number} left."),
            Delivered::Failed(said) => {
                let said = without_stop(said);
                format!("The reply to #{number} was not sent: {said}. It is a draft again.")
            }
            Delivered::Unsure(said) => {
                let said = without_stop(said);
                format!(
                    "Nobody knows whether the reply to #{number} left: {said}. The outbox asks you."
                )
            }
            Delivered::Later(..) | Delivered::Unreached(..) | Delivered::NotOurs => return,
        };
        self.remark(words);
    }

    /// Takes over what is left of dead senders, and says once that replies wait which nobody sends without a word.
    async fn say_what_waits(&self, began: Timestamp) {
        logged(self.settle_outbox().await);
        let Ok(open) = self.store.open_outbox().await else {
            return;
        };
        let (mut waiting, mut unsure) = (0, 0);
        for (row, _) in &open {
            match row.progress.delivery {
                Delivery::Unsure => unsure += 1,
                Delivery::Held if is_ack_due(row, began) => {}
                Delivery::Held if row.progress.due_at().is_some_and(|due| due > began) => {}
                Delivery::Held => waiting += 1,
                Delivery::Sending | Delivery::Sent | Delivery::Failed | Delivery::Withdrawn => {}
            }
        }
        if let Some(words) = words_on_what_waits(waiting, unsure) {
            self.remark(words);
        }
    }

    /// Sends everything that is due: a person, or a script, says so.
    pub async fn send_now(&self) -> Result<SentNow, DeskError> {
        let lease = self.lease_for_command(LEASE).await?;
        let done = self.while_leased(&lease, self.send_all_due()).await;
        self.let_go(lease).await;
        done.unwrap_or(Err(DeskError::Broken))
    }

    async fn send_all_due(&self) -> Result<SentNow, DeskError> {
        let found = self.settle_outbox().await?;
        let mut told = SentNow {
            sent: found.clone(),
            found,
            ..SentNow::default()
        };
        for (row, _) in self.store.open_outbox().await? {
            match row.progress.delivery {
                Delivery::Unsure => told.unsure.push(row.id),
                Delivery::Held if row.progress.due_at().is_some_and(|due| due <= self.now()) => {
                    told.take(row.id, self.deliver(row.id, None).await);
                }
                Delivery::Held | Delivery::Sending => told.held.push(row.id),
                Delivery::Sent | Delivery::Failed | Delivery::Withdrawn => {}
            }
        }
        logged(self.keep_copies(&mut Resting::default()).await);
        Ok(told)
    }
}

/// Says how many replies wait for a word of a person, and of how many nobody knows whether they
/// have left; none where there are none.
fn words_on_what_waits(waiting: u32, unsure: u32) -> Option<String> {
    let waiting = match waiting {
        0 => None,
        1 => Some("1 reply waits".to_owned()),
        many => Some(format!("{many} replies wait")),
    };
    let waiting = waiting.map(|replies| {
        format!(
            "{replies} in the outbox and will ask before leaving: open it to send or take back."
        )
    });
    let unsure = match unsure {
        0 => None,
        1 => Some("1 reply may have left: the outbox asks you about it.".to_owned()),
        many => Some(format!(
            "{many} replies may have left: the outbox asks you about them."
        )),
    };
    let words: Vec<String> = waiting.into_iter().chain(unsure).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Waits so long; for ever where nothing is to come.
async fn pause(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Notes in the log what went wrong with the outbox.
fn logged<T>(done: Result<T, DeskError>) -> Option<T> {
    done.inspect_err(|error| tracing::warn!(%error, "the outbox could not be worked off"))
        .ok()
}

/// Waits for an event after which there may be more to send.
async fn outbox_may_have_changed(events: &mut tokio::sync::broadcast::Receiver<DeskEvent>) {
    loop {
        match events.recv().await {
            Ok(DeskEvent::TicketChanged(_) | DeskEvent::Changed) | Err(RecvError::Lagged(_)) => {
                return;
            }
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_left_is_not_said_to_wait() {
        let waits = "1 reply waits in the outbox and will ask before leaving: open it to send or \
                     take back.";
        let unsure = "1 reply may have left: the outbox asks you about it.";
        let many = "2 replies may have left: the outbox asks you about them.";
        for (waiting, in_doubt, said) in [
            (0, 0, None),
            (1, 0, Some(waits.to_owned())),
            (0, 1, Some(unsure.to_owned())),
            (0, 2, Some(many.to_owned())),
            (1, 1, Some(format!("{waits} {unsure}"))),
        ] {
            assert_eq!(words_on_what_waits(waiting, in_doubt), said);
        }
    }
}
