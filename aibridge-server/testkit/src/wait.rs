use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long anything here waits before it gives up: far longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// Waits until `condition` holds.
///
/// # Panics
///
/// After [`PATIENCE`], naming `what` was waited for.
pub async fn wait_until(mut condition: impl FnMut() -> bool, what: &str) {
    wait_for(|| condition().then_some(()), what).await;
}

/// Waits until `probe` finds something.
///
/// # Panics
///
/// After [`PATIENCE`], naming `what` was waited for.
pub async fn wait_for<T>(mut probe: impl FnMut() -> Option<T>, what: &str) -> T {
    let poll = async {
        loop {
            if let Some(found) = probe() {
                return found;
            }
            sleep(GLANCE).await;
        }
    };
    within(poll, what).await
}

/// The output of `future`.
///
/// # Panics
///
/// After [`PATIENCE`], naming `what` was waited for.
pub async fn within<T>(future: impl Future<Output = T>, what: &str) -> T {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// Runs `future` on a runtime of its own, for examples and tools that have none.
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
    async fn waits_for_what_comes() {
        let mut glances = 0;
        let seen = wait_for(
            || {
                glances += 1;
                (glances == 3).then_some(glances)
            },
            "the third glance",
        )
        .await;
        assert_eq!(seen, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "in vain for the moon")]
    async fn gives_up_with_a_name() {
        wait_until(|| false, "the moon").await;
    }
}
