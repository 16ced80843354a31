//! Reading an answer on the side without holding up other tasks.

use crate::error::Error;
use crate::observer::{Ending, EventAction, Observer, ResponseSummary};
use crate::sse::Event;
use bytes::Bytes;
use std::panic::resume_unwind;
use tokio::task::{spawn_blocking, yield_now};

/// A larger piece is read on a thread of its own: parsing takes milliseconds, in which a worker serves many streams.
const LARGE: usize = 256 << 10;

/// After so many bytes the task lets others run.
const YIELD_AFTER: usize = 64 << 10;

/// An observer, and how much it has read.
pub(crate) struct Reading {
    observer: Box<dyn Observer>,
    /// Bytes since the task let others run.
    since_yield: usize,
    /// Events with data, `[DONE]` left out.
    events: usize,
}

impl Reading {
    pub(crate) fn new(observer: Box<dyn Observer>) -> Self {
        Self { observer, since_yield: 0, events: 0 }
    }

    /// Whether reading `event` takes so long that what came before it should be sent first.
    pub(crate) fn is_large(event: &Event) -> bool {
        event.raw.len() > LARGE
    }

    /// Reads the next event of a stream.
    pub(crate) async fn event(&mut self, event: &Event) -> EventAction {
        self.pause_after(event.raw.len()).await;
        if Self::is_large(event) {
            self.events += 1;
            let event = event.clone();
            return self.aside(move |observer| observer.event(&event)).await.unwrap_or(EventAction::Relay);
        }
        // Two events are enough to know that there was more than an error.
        if self.events < 2 && event.data().is_some_and(|data| data.trim_ascii() != b"[DONE]") {
            self.events += 1;
        }
        self.observer.event(event)
    }

    /// Reads a blocking answer, whole.
    pub(crate) async fn body(&mut self, body: Bytes) {
        if body.len() > LARGE {
            self.aside(move |observer| observer.body(&body)).await;
        } else {
            self.observer.body(&body);
        }
    }

    /// What was learnt.
    pub(crate) fn finish(&mut self) -> ResponseSummary {
        self.observer.finish()
    }

    /// Whether a stream that ends like this consisted of nothing but an error.
    pub(crate) fn is_lone_error(&self, ending: Ending) -> bool {
        ending == Ending::Failed && self.events <= 1
    }

    /// How the API tells `error` in the middle of a stream.
    pub(crate) fn error_event(&self, error: &Error) -> Bytes {
        self.observer.error_event(error)
    }

    /// Lets other tasks run if many bytes were read since they last could.
    pub(crate) async fn pause_after(&mut self, bytes: usize) {
        self.since_yield += bytes;
        if self.since_yield >= YIELD_AFTER {
            self.since_yield = 0;
            yield_now().await;
        }
    }

    /// Does `work` on a thread that no other task waits for. `None` if the runtime is shutting down.
    async fn aside<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Observer) -> T + Send + 'static,
    ) -> Option<T> {
        let mut observer = std::mem::replace(&mut self.observer, Box::new(Absent));
        let working = spawn_blocking(move || {
            let done = work(&mut *observer);
            (observer, done)
        });
        match working.await {
            Ok((observer, done)) => {
                self.observer = observer;
                Some(done)
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => None,
            },
        }
    }
}

/// Stands in for an observer that is at work on another thread.
struct Absent;

impl Observer for Absent {
    fn event(&mut self, _: &Event) -> EventAction {
        EventAction::Relay
    }

    fn body(&mut self, _: &[u8]) {}

    fn finish(&mut self) -> ResponseSummary {
        ResponseSummary::default()
    }

    fn error_event(&self, _: &Error) -> Bytes {
        Bytes::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;
    use tokio::sync::oneshot;

    /// Waits in each event until another task has sent something.
    struct Waiting(mpsc::Receiver<()>);

    impl Observer for Waiting {
        fn event(&mut self, _: &Event) -> EventAction {
            self.0
                .recv_timeout(Duration::from_secs(30))
                .map_or(EventAction::Relay, |()| EventAction::Terminal)
        }

        fn body(&mut self, _: &[u8]) {
            self.event(&Bytes::new().into());
        }

        fn finish(&mut self) -> ResponseSummary {
            ResponseSummary::default()
        }

        fn error_event(&self, _: &Error) -> Bytes {
            Bytes::new()
        }
    }

    #[tokio::test]
    async fn a_large_event_does_not_hold_up_other_tasks() {
        let (sender, receiver) = mpsc::channel();
        let mut reading = Reading::new(Box::new(Waiting(receiver)));
        let other = tokio::spawn(async move { sender.send(()) });
        let verdict = reading.event(&Bytes::from(vec![b'x'; LARGE + 1]).into()).await;
        assert_eq!(verdict, EventAction::Terminal, "the other task ran meanwhile");
        assert!(other.await.unwrap().is_ok(), "the observer is back");
    }

    #[tokio::test]
    async fn many_small_events_let_other_tasks_run() {
        let (sender, mut receiver) = oneshot::channel();
        let mut reading = Reading::new(Box::new(Absent));
        tokio::spawn(async move { sender.send(()) });
        let event = Event::from(Bytes::from_static(&[b'x'; 1024]));
        for _ in 0..YIELD_AFTER / 1024 {
            assert!(receiver.try_recv().is_err());
            reading.event(&event).await;
        }
        assert!(receiver.try_recv().is_ok());
    }
}
