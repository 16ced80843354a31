//! Stores end records, with retries: the last bytes of a response are sent after them.

use aibridge_error::Error;
use aibridge_recorder::{Record, Recorder};
use std::fmt::Display;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// The longest time for end records to become durable. After that, the response is aborted.
pub(crate) const END_TIMEOUT: Duration = Duration::from_secs(30);
const FIRST_RETRY_AFTER: Duration = Duration::from_millis(10);
const MAX_RETRY_AFTER: Duration = Duration::from_millis(500);

/// Stores `records` of `subject`, with retries while the store fails.
///
/// # Errors
///
/// [`Error::EndUnrecorded`] if the store has not accepted them within [`END_TIMEOUT`].
pub(crate) async fn store(
    recorder: &dyn Recorder,
    records: Vec<Record>,
    subject: &dyn SubjectId,
) -> Result<(), Error> {
    let deadline = Instant::now() + END_TIMEOUT;
    let mut retry_after = FIRST_RETRY_AFTER;
    loop {
        match timeout_at(deadline, recorder.record(records.clone())).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => {
                tracing::error!(
                    id = %subject, %error,
                    "could not record the end of a response, so the response is held back; will retry"
                );
            }
            Err(_) => {}
        }
        // A recorder that fails at once is ready before the time limit is looked at.
        if Instant::now() >= deadline {
            tracing::error!(
                id = %subject, limit = ?END_TIMEOUT,
                "could not record the end of a response in time, so the response is aborted; check the store"
            );
            return Err(Error::EndUnrecorded);
        }
        sleep_until((Instant::now() + retry_after).min(deadline)).await;
        retry_after = (retry_after * 2).min(MAX_RETRY_AFTER);
    }
}

/// The id in log lines: of an interception, or of an object at a provider.
pub(crate) trait SubjectId: Display + Sync {}

impl<T: Display + Sync> SubjectId for T {}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_recorder::RecorderError;
    use async_trait::async_trait;

    /// Fails at once, or never responds.
    struct BrokenRecorder {
        responds: bool,
    }

    #[async_trait]
    impl Recorder for BrokenRecorder {
        async fn record(&self, _: Vec<Record>) -> Result<(), RecorderError> {
            if !self.responds {
                std::future::pending::<()>().await;
            }
            Err(RecorderError::unavailable("broken"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_is_not_held_longer_than_the_limit() {
        for responds in [true, false] {
            let began = Instant::now();
            let stored = store(&BrokenRecorder { responds }, Vec::new(), &"id").await;
            assert!(matches!(stored, Err(Error::EndUnrecorded)));
            assert_eq!(began.elapsed().as_secs(), END_TIMEOUT.as_secs(), "responds: {responds}");
        }
    }
}
