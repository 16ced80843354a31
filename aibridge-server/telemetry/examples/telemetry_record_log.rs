//! Starts the log in JSON, and logs the records that a recorder has stored. The lines go to the standard error.

use aibridge_config::{Log, LogFormat};
use aibridge_recorder::{InterceptionEnd, Outcome, Record, Recorder, RecorderError, UserPrompt, async_trait};
use aibridge_telemetry::{RecordLog, log};
use jiff::Timestamp;
use std::error::Error;
use std::sync::Arc;
use uuid::Uuid;

/// A recorder that stores nothing.
struct NoopRecorder;

#[async_trait]
impl Recorder for NoopRecorder {
    async fn record(&self, _: Vec<Record>) -> Result<(), RecorderError> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The log writes its last lines when the guard is dropped.
    let _guard = log::start(&Log { format: LogFormat::Json, records_to_log: true }, None)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "the example starts");

    let recorder = RecordLog::new(Arc::new(NoopRecorder));
    let (id, now) = (Uuid::now_v7(), Timestamp::now());
    let prompt =
        UserPrompt { id: Uuid::now_v7(), interception_id: id, prompt: "Hello".into(), created_at: now };
    let end = InterceptionEnd {
        interception_id: id,
        outcome: Outcome::Completed,
        upstream_status: Some(200),
        credential_hint: None,
        provider_response_id: Some("resp_1".into()),
        ended_at: now,
    };
    recorder.record(vec![Record::Prompt(prompt), Record::End(end)]).await?;
    Ok(())
}
