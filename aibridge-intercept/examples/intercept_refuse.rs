//! An interceptor that calls no provider, because that is down for maintenance. The gateway records the request, returns
//! the error in the format of the client's API, and records the end.
//!
//! The `axum` example of `aibridge-provider` calls providers.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_intercept::cost::NoopCostMeter;
use aibridge_intercept::relay::RelayError;
use aibridge_intercept::{Error, ErrorFormat, Exchange, Gateway, InterceptError, Interceptor};
use aibridge_recorder::{CredentialKind, Interception, Record, Recorder, RecorderError, async_trait};
use http_body_util::BodyExt;
use std::sync::Arc;

/// Prints the records.
struct PrintRecords;

#[async_trait]
impl Recorder for PrintRecords {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        records.iter().for_each(|record| println!("{record:?}"));
        Ok(())
    }
}

/// Refuses a request after its start is recorded.
struct Maintenance(Arc<Interception>);

#[async_trait]
impl Interceptor for Maintenance {
    fn interception(&self) -> &Arc<Interception> {
        &self.0
    }

    fn take_prompt(&mut self) -> Option<String> {
        Some("What does this function do?".into())
    }

    fn error_format(&self) -> ErrorFormat {
        ErrorFormat::Anthropic
    }

    async fn process(self: Box<Self>, _: &mut Exchange) -> Result<(), InterceptError> {
        Err(RelayError::from(Error::UpstreamUnreachable("it is down for maintenance".into())).into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gateway = Gateway::new(Arc::new(PrintRecords));
    let interception = Interception {
        id: uuid::Uuid::now_v7(),
        initiator_id: "ada".into(),
        provider: "anthropic".into(),
        provider_name: "anthropic".into(),
        model: "claude-sonnet-4-5".into(),
        route: "/messages".into(),
        streaming: false,
        client: "Claude Code".into(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: Default::default(),
        started_at: jiff::Timestamp::now(),
    };
    let interceptor = Box::new(Maintenance(interception.into()));
    let response = gateway.intercept(interceptor, gateway.clock.now(), Box::new(NoopCostMeter)).await;
    println!("{}", response.status());
    println!("{}", String::from_utf8_lossy(&response.into_body().collect().await?.to_bytes()));
    // The process ends after the interceptions, so that their end records are stored.
    gateway.tasks.close();
    gateway.tasks.wait().await;
    Ok(())
}
