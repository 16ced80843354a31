//! Reads a response with an observer, without delaying other tasks.

use crate::observer::{Ending, EventAction, Observer, ResponseSummary};
use aibridge_error::Error;
use aibridge_sse::Event;
use bytes::Bytes;
use std::panic::resume_unwind;
use tokio::task::{spawn_blocking, yield_now};

/// A larger piece is read on a blocking thread: parsing takes milliseconds, in which a worker serves many streams.
const LARGE_BYTES: usize = 256 << 10;

/// The task yields to others after this number of bytes.
const YIELD_AFTER_BYTES: usize = 64 << 10;

/// An observer and the amount that it has read.
pub struct ResponseReader {
    observer: Box<dyn Observer>,
    /// The number of bytes since the task yielded.
    bytes_since_yield: usize,
    /// The stream contained an event with data before any error.
    has_content: bool,
}

impl ResponseReader {
    /// A reader that has read nothing.
    pub fn new(observer: Box<dyn Observer>) -> Self {
        Self { observer, bytes_since_yield: 0, has_content: false }
    }

    /// Whether `event` takes so long to read that earlier events should be sent first.
    pub fn is_large(event: &Event) -> bool {
        event.raw.len() > LARGE_BYTES
    }

    /// Reads the next event of a stream.
    pub async fn read_event(&mut self, event: &Event) -> EventAction {
        self.yield_after(event.raw.len()).await;
        if Self::is_large(event) {
            let event = event.clone();
            let action = self.run_blocking(move |observer| observer.event(&event)).await;
            self.has_content |= !self.observer.has_failed();
            return action.unwrap_or(EventAction::Relay);
        }
        let action = self.observer.event(event);
        if !self.has_content && event.data().is_some_and(|data| !matches!(data.trim_ascii(), b"" | b"[DONE]"))
        {
            self.has_content = !self.observer.has_failed();
        }
        action
    }

    /// Reads a blocking response as a whole.
    pub async fn read_body(&mut self, body: Bytes) {
        if body.len() > LARGE_BYTES {
            self.run_blocking(move |observer| observer.body(&body)).await;
        } else {
            self.observer.body(&body);
        }
    }

    /// The provider's ids of the objects that the response has made so far.
    pub fn objects(&self) -> &[String] {
        self.observer.objects()
    }

    /// Returns the content of the response.
    pub fn finish(&mut self) -> ResponseSummary {
        self.observer.finish()
    }

    /// Whether a stream with this ending consisted of an error alone.
    pub fn is_lone_error(&self, ending: Ending) -> bool {
        ending == Ending::Failed && !self.has_content
    }

    /// `error` as an event of the API, for the middle of a stream.
    pub fn error_event(&self, error: &Error) -> Bytes {
        self.observer.error_event(error)
    }

    /// Yields to other tasks if the number of bytes since the last time, with these `bytes`, is large.
    pub async fn yield_after(&mut self, bytes: usize) {
        self.bytes_since_yield += bytes;
        if self.bytes_since_yield >= YIELD_AFTER_BYTES {
            self.bytes_since_yield = 0;
            yield_now().await;
        }
    }

    /// Runs `work` on a blocking thread. `None` if the runtime is shutting down.
    async fn run_blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Observer) -> T + Send + 'static,
    ) -> Option<T> {
        let mut observer = std::mem::replace(&mut self.observer, Box::new(NoopObserver));
        let working = spawn_blocking(move || {
            let output = work(&mut *observer);
            (observer, output)
        });
        match working.await {
            Ok((observer, output)) => {
                self.observer = observer;
                Some(output)
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => None,
            },
        }
    }
}

/// Replaces an observer that runs on another thread.
struct NoopObserver;

impl Observer for NoopObserver {
    fn event(&mut self, _: &Event) -> EventAction {
        EventAction::Relay
    }

    fn body(&mut self, _: &[u8]) {}

    fn has_failed(&self) -> bool {
        false
    }

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

    /// Blocks on each event until another task sends a message.
    struct BlockingObserver(mpsc::Receiver<()>);

    impl Observer for BlockingObserver {
        fn event(&mut self, _: &Event) -> EventAction {
            self.0
                .recv_timeout(Duration::from_secs(30))
                .map_or(EventAction::Relay, |()| EventAction::Terminal)
        }

        fn body(&mut self, _: &[u8]) {
            self.event(&Bytes::new().into());
        }

        fn has_failed(&self) -> bool {
            false
        }

        fn finish(&mut self) -> ResponseSummary {
            ResponseSummary::default()
        }

        fn error_event(&self, _: &Error) -> Bytes {
            Bytes::new()
        }
    }

    #[tokio::test]
    async fn a_large_event_does_not_delay_other_tasks() {
        let (sender, receiver) = mpsc::channel();
        let mut reader = ResponseReader::new(Box::new(BlockingObserver(receiver)));
        let other = tokio::spawn(async move { sender.send(()) });
        let action = reader.read_event(&Bytes::from(vec![b'x'; LARGE_BYTES + 1]).into()).await;
        assert_eq!(action, EventAction::Terminal, "the other task ran meanwhile");
        assert!(other.await.unwrap().is_ok(), "the observer was put back");
    }

    #[tokio::test]
    async fn many_small_events_let_other_tasks_run() {
        let (sender, mut receiver) = oneshot::channel();
        let mut reader = ResponseReader::new(Box::new(NoopObserver));
        tokio::spawn(async move { sender.send(()) });
        let event = Event::from(Bytes::from_static(&[b'x'; 1024]));
        for _ in 0..YIELD_AFTER_BYTES / 1024 {
            assert!(receiver.try_recv().is_err());
            reader.read_event(&event).await;
        }
        assert!(receiver.try_recv().is_ok());
    }
}
