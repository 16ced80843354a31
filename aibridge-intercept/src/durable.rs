//! Records that the last bytes of an answer wait for.

use crate::error::Error;
use aibridge_recorder::{Record, Recorder};
use std::fmt::Display;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long an end that the store does not take is held before its answer is cut.
pub(crate) const END_WITHIN: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Stores `records`, which are about `subject`, and tries again while the store refuses.
///
/// # Errors
///
/// [`Error::RecorderUnavailable`] if the store has not taken them within [`END_WITHIN`].
pub(crate) async fn store(
    recorder: &dyn Recorder,
    records: Vec<Record>,
    subject: &dyn SubjectId,
) -> Result<(), Error> {
    let deadline = Instant::now() + END_WITHIN;
    let mut pause = FIRST_PAUSE;
    loop {
        match timeout_at(deadline, recorder.record(records.clone())).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => {
                tracing::error!(id = %subject, %error, "an end could not be recorded: it is held");
            }
            Err(_) => {
                tracing::error!(id = %subject, "an end could not be recorded: its answer is cut");
                return Err(Error::RecorderUnavailable);
            }
        }
        sleep_until((Instant::now() + pause).min(deadline)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// An id for log lines: of an interception, or of an object at a provider.
pub(crate) trait SubjectId: Display + Sync {}

impl<T: Display + Sync> SubjectId for T {}
