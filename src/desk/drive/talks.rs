//! The calls under way: at most two, heard as they speak.

use std::{future::poll_fn, panic::AssertUnwindSafe, pin::Pin, task::Poll};

use futures::{FutureExt as _, Stream, stream};

use crate::{
    desk::ledger::Talk,
    domain::{Billed, Fault, FaultClass, LinkName, Usage},
    llm::heard::Heard,
};

/// One call under way. Dropping it closes its socket.
struct Speaking {
    attempt: u32,
    link: LinkName,
    heard: Pin<Box<dyn Stream<Item = Heard> + Send>>,
}

/// The calls under way.
#[derive(Default)]
pub(super) struct Talks(Vec<Speaking>);

impl Talks {
    pub(super) fn add<T: Talk + 'static>(&mut self, attempt: u32, link: LinkName, talk: T) {
        let heard = stream::unfold(Some(talk), |talk| async move {
            let mut talk = talk?;
            let next = AssertUnwindSafe(talk.next()).catch_unwind();
            let heard = next.await.unwrap_or_else(|_| broken());
            let is_over = matches!(heard, Heard::Ended(_) | Heard::Failed(..));
            Some((heard, (!is_over).then_some(talk)))
        });
        self.0.push(Speaking {
            attempt,
            link,
            heard: Box::pin(heard),
        });
    }

    /// Closes a call.
    pub(super) fn close(&mut self, attempt: u32) {
        self.0.retain(|speaking| speaking.attempt != attempt);
    }

    /// Returns who is asked by an attempt.
    pub(super) fn link_of(&self, attempt: u32) -> Option<&LinkName> {
        let mut talks = self.0.iter();
        let found = talks.find(|speaking| speaking.attempt == attempt)?;
        Some(&found.link)
    }

    /// Returns who is asked, the one asked first in front.
    pub(super) fn first(&self) -> Option<&LinkName> {
        self.0.first().map(|speaking| &speaking.link)
    }

    /// Returns the next thing heard of any call; for ever when there is none. A call that is over
    /// is closed. May be dropped while it waits: nothing is lost.
    pub(super) async fn hear(&mut self) -> (u32, Heard) {
        let (attempt, heard) = poll_fn(|context| {
            for speaking in &mut self.0 {
                if let Poll::Ready(Some(heard)) = speaking.heard.as_mut().poll_next(context) {
                    return Poll::Ready((speaking.attempt, heard));
                }
            }
            Poll::Pending
        })
        .await;
        if matches!(heard, Heard::Ended(_) | Heard::Failed(..)) {
            self.close(attempt);
        }
        (attempt, heard)
    }
}

/// A reader that panicked is a failed call like another: the money is settled, the desk goes on.
fn broken() -> Heard {
    let fault = Fault {
        billed: Billed::Maybe,
        ..Fault::new(FaultClass::ServerError)
    };
    Heard::failed(
        fault.saying("The program could not read the answer."),
        Usage::default(),
    )
}
