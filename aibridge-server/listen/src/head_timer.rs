//! The timeouts of an HTTP/1 connection that waits for a request.
//!
//! hyper has one timeout, from the end of the last response to the end of the next head. The gateway has two: the keep
//! alive of an idle connection, which should be longer than that of the load balancer in front of it, and a shorter one
//! for a head that has begun.

use crate::activity::Activity;
use hyper::rt::{Sleep, Timer};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{self, Instant};

/// The timer behind hyper's `header_read_timeout`. hyper starts it when it begins to wait for a head, polls it only while
/// it waits, and drops it when the head is complete.
pub(crate) struct HeadTimer {
    header_timeout: Duration,
    keep_alive: Duration,
    activity: Arc<Activity>,
    is_first: AtomicBool,
}

impl HeadTimer {
    /// The first head of a connection must be complete within `header_timeout`. A later one must begin within
    /// `keep_alive`, and then be complete within `header_timeout`.
    pub(crate) fn new(header_timeout: Duration, keep_alive: Duration, activity: Arc<Activity>) -> Self {
        Self { header_timeout, keep_alive, activity, is_first: AtomicBool::new(true) }
    }

    fn head_deadline(&self) -> HeadDeadline {
        let is_first = self.is_first.swap(false, Relaxed);
        self.activity.await_head();
        HeadDeadline {
            sleep: time::sleep(if is_first { self.header_timeout } else { self.keep_alive }),
            header_timeout: (!is_first).then_some(self.header_timeout),
            activity: self.activity.clone(),
        }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(self.head_deadline())
    }

    #[expect(clippy::disallowed_types, reason = "the trait of hyper names it, and the value is not used")]
    fn sleep_until(&self, _: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(self.head_deadline())
    }
}

pin_project! {
    struct HeadDeadline {
        #[pin]
        sleep: time::Sleep,
        // The timeout that applies once the head has begun; `None` if it applies already.
        header_timeout: Option<Duration>,
        activity: Arc<Activity>,
    }
}

impl Future for HeadDeadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.activity.has_head_begun()
            && let Some(header_timeout) = this.header_timeout.take()
        {
            this.sleep.as_mut().reset(Instant::now() + header_timeout);
        }
        ready!(this.sleep.poll(context));
        Poll::Ready(())
    }
}

impl Sleep for HeadDeadline {}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
    const KEEP_ALIVE: Duration = Duration::from_secs(75);

    fn timer() -> (HeadTimer, Arc<Activity>) {
        let activity = Arc::new(Activity::default());
        (HeadTimer::new(HEADER_TIMEOUT, KEEP_ALIVE, activity.clone()), activity)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_has_the_header_timeout_and_later_ones_have_keep_alive_to_begin() {
        let (timer, activity) = timer();
        for (timeout, received) in [(HEADER_TIMEOUT, ""), (KEEP_ALIVE, ""), (KEEP_ALIVE, "\r\n")] {
            let begun = Instant::now();
            let head = timer.sleep(Duration::ZERO);
            activity.received(received.as_bytes());
            head.await;
            assert_eq!(begun.elapsed().as_secs(), timeout.as_secs(), "{received:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_has_begun_has_the_header_timeout_from_then() {
        let (timer, activity) = timer();
        drop(timer.sleep(Duration::ZERO));
        activity.received(b"GET / HTTP/1.1\r\n\r\n");
        let begun = Instant::now();
        let mut head = timer.sleep(Duration::ZERO);
        let idle = Duration::from_secs(70);
        assert!(time::timeout(idle, &mut head).await.is_err());
        activity.received(b"G");
        head.await;
        assert_eq!(begun.elapsed().as_secs(), (idle + HEADER_TIMEOUT).as_secs());
    }
}
