//! Where the work of a request is done: in the task of its caller while that one waits for nothing
//! else, for a task of its own costs two changes of task; by itself from the moment the caller reads
//! along at its own pace, or leaves. It is never dropped half-way: what a call cost is settled.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// The work of one request until it is over.
pub struct Running {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    tasks: TaskTracker,
    runtime: Handle,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running, at its caller: {}", self.work.is_some())
    }
}

impl Running {
    /// Makes it of a request's work; `tasks` are those that are waited for when the server stops.
    pub(super) fn new(work: impl Future<Output = ()> + Send + 'static, tasks: TaskTracker) -> Self {
        Self {
            work: Some(Box::pin(work)),
            tasks,
            runtime: Handle::current(),
        }
    }

    /// Waits for something that the work brings about, and works meanwhile.
    pub async fn beside<T>(&mut self, awaited: impl Future<Output = T>) -> T {
        let mut awaited = pin!(awaited);
        poll_fn(|context| {
            if let Poll::Ready(found) = awaited.as_mut().poll(context) {
                return Poll::Ready(found);
            }
            let Some(work) = &mut self.work else {
                return Poll::Pending;
            };
            if work.as_mut().poll(context).is_ready() {
                self.work = None;
            }
            awaited.as_mut().poll(context)
        })
        .await
    }

    /// Lets it go on by itself, as it also does when this is dropped.
    pub fn let_go(&mut self) {
        let runtime = self.runtime.clone();
        self.let_go_on(&runtime);
    }

    /// Lets it go on by itself elsewhere: it would keep others of this thread waiting.
    pub(super) fn let_go_on(&mut self, runtime: &Handle) {
        if let Some(work) = self.work.take() {
            drop(self.tasks.spawn_on(work, runtime));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_works_while_it_is_waited_for_and_goes_on_when_nobody_waits() {
        let (go, gone) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let work = async move {
            tell.send(1).unwrap();
            gone.await.unwrap();
            end.send(2).unwrap();
        };
        let tasks = TaskTracker::new();
        let mut running = Running::new(work, tasks.clone());
        assert_eq!(running.beside(told).await, Ok(1));
        assert!(tasks.is_empty(), "it needs no task of its own");

        drop(running);
        go.send(()).unwrap();

        assert_eq!(ended.await, Ok(2));
        tasks.close();
        tasks.wait().await;
    }
}
