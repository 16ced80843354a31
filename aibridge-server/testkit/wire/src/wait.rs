//! Waiting for events and conditions, with a time limit and a message.

use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The time after which every wait of this crate panics: 20 s, far longer than a correct program takes.
pub const MAX_WAIT: Duration = Duration::from_secs(20);

/// The time between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Waits until `condition` returns true.
///
/// # Panics
///
/// After [`MAX_WAIT`], with a message that contains `description`.
pub async fn wait_until(mut condition: impl FnMut() -> bool, description: &str) {
    wait_for(|| condition().then_some(()), description).await;
}

/// Waits until `probe` returns `Some`, and returns its value.
///
/// # Panics
///
/// After [`MAX_WAIT`], with a message that contains `description`.
pub async fn wait_for<T>(probe: impl FnMut() -> Option<T>, description: &str) -> T {
    wait_at_most(MAX_WAIT, probe, description).await
}

/// Like [`wait_for`], with another time limit.
///
/// # Panics
///
/// After `limit`, with a message that contains `description`.
pub async fn wait_at_most<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>, description: &str) -> T {
    let poll = async {
        loop {
            if let Some(value) = probe() {
                return value;
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    within_limit(limit, poll, description).await
}

/// Repeats `condition` until it returns true. For conditions that need a request; [`wait_until`] is for the others.
///
/// # Panics
///
/// After [`MAX_WAIT`], with a message that contains `description`.
pub async fn poll_until(mut condition: impl AsyncFnMut() -> bool, description: &str) {
    let poll = async {
        while !condition().await {
            sleep(POLL_INTERVAL).await;
        }
    };
    within(poll, description).await;
}

/// Awaits `future` for at most [`MAX_WAIT`].
///
/// # Panics
///
/// After [`MAX_WAIT`], with a message that contains `description`.
pub async fn within<T>(future: impl Future<Output = T>, description: &str) -> T {
    within_limit(MAX_WAIT, future, description).await
}

async fn within_limit<T>(limit: Duration, future: impl Future<Output = T>, description: &str) -> T {
    match timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {limit:?} in vain for {description}"),
    }
}

/// Runs `future` on a new runtime, for examples and tools without one.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built")
        .block_on(future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_ends_when_the_probe_succeeds() {
        let mut probes = 0;
        let count = wait_for(
            || {
                probes += 1;
                (probes == 3).then_some(probes)
            },
            "the third probe",
        )
        .await;
        assert_eq!(count, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "in vain for the moon")]
    async fn a_timeout_names_what_was_awaited() {
        wait_until(|| false, "the moon").await;
    }
}
