//! Logs every stored record as a line, for operators who collect logs instead of querying the store.

use aibridge_recorder::{
    ErrorType, Interception, InterceptionEnd, ObjectOwner, Reasoning, Record, Recorder, RecorderError,
    TokenUsage, ToolUsage, UserPrompt, async_trait,
};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// The target of the lines. Log filters of operators may name it, so it does not follow the module path.
pub(crate) const TARGET: &str = "aibridge_server::record_log";

/// A recorder that logs the records which another recorder has stored. Lines hold prompts, and of a credential only the
/// hint that the records hold.
pub struct RecordLog {
    inner: Arc<dyn Recorder>,
}

impl RecordLog {
    /// Creates a recorder that stores with `inner`.
    pub fn new(inner: Arc<dyn Recorder>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Recorder for RecordLog {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        let stored = records.clone();
        self.inner.record(records).await?;
        stored.iter().for_each(log);
        Ok(())
    }
}

/// Logs a line. Its fields are named like the columns of the table of the record; each ends with a comma.
macro_rules! line {
    ($record_type:literal, $($fields:tt)*) => {
        tracing::info!(target: TARGET, record_type = $record_type, $($fields)* "interception log")
    };
}

fn log(record: &Record) {
    match record {
        Record::Start(row) => started(row),
        Record::Prompt(row) => prompt(row),
        Record::TokenUsage(row) => token_usage(row),
        Record::ToolUsage(row) => tool_usage(row),
        Record::Reasoning(row) => thought(row),
        Record::Owner(row) => owner(row),
        Record::End(row) => ended(row),
    }
}

fn started(row: &Interception) {
    line!(
        "interception_start",
        interception_id = %row.id,
        initiator_id = short(&row.initiator_id),
        provider = row.provider,
        provider_name = row.provider_name,
        model = short(&row.model),
        route = row.route,
        streaming = row.streaming,
        client = short(&row.client),
        client_session_id = optional(&row.client_session_id),
        user_agent = optional(&row.user_agent),
        credential_kind = row.credential_kind.as_str(),
        credential_hint = row.credential_hint,
        correlating_tool_call_id = optional(&row.correlating_tool_call_id),
        metadata = json(&row.metadata),
        started_at = time(row.started_at),
    );
}

fn prompt(row: &UserPrompt) {
    line!(
        "user_prompt",
        id = %row.id,
        interception_id = %row.interception_id,
        prompt = row.prompt,
        created_at = time(row.created_at),
    );
}

fn token_usage(row: &TokenUsage) {
    line!(
        "token_usage",
        id = %row.id,
        interception_id = %row.interception_id,
        provider_response_id = optional(&row.provider_response_id),
        input_tokens = row.input_tokens,
        output_tokens = row.output_tokens,
        cache_read_input_tokens = row.cache_read_input_tokens,
        cache_write_input_tokens = row.cache_write_input_tokens,
        extra_token_types = json(&row.extra_token_types),
        cost = row.cost,
        cost_nano_usd = row.charged.cost_nano_usd,
        cost_status = row.charged.cost_status.as_str(),
        price_id = optional(&row.charged.price_id),
        estimated_input_tokens = row.charged.estimated_input_tokens,
        estimated_output_tokens = row.charged.estimated_output_tokens,
        created_at = time(row.created_at),
    );
}

fn tool_usage(row: &ToolUsage) {
    line!(
        "tool_usage",
        id = %row.id,
        interception_id = %row.interception_id,
        provider_response_id = optional(&row.provider_response_id),
        provider_tool_call_id = optional(&row.provider_tool_call_id),
        tool = short(&row.tool),
        server_url = optional(&row.server_url),
        input = row.input,
        injected = row.injected,
        invocation_error = optional(&row.invocation_error),
        truncated = row.truncated.then_some(true),
        created_at = time(row.created_at),
    );
}

fn thought(row: &Reasoning) {
    line!(
        "model_thought",
        id = %row.id,
        interception_id = %row.interception_id,
        content = row.content,
        source = row.source.as_str(),
        truncated = row.truncated.then_some(true),
        created_at = time(row.created_at),
    );
}

fn owner(row: &ObjectOwner) {
    line!(
        "object_owner",
        provider_name = row.provider_name,
        object_id = row.object_id,
        initiator_id = row.initiator_id,
        created_at = time(row.created_at),
    );
}

fn ended(row: &InterceptionEnd) {
    line!(
        "interception_end",
        interception_id = %row.interception_id,
        outcome = row.outcome.as_str(),
        error_type = row.outcome.error_type().map(ErrorType::as_str),
        upstream_status = row.upstream_status,
        credential_hint = row.credential_hint,
        provider_response_id = optional(&row.provider_response_id),
        ended_at = time(row.ended_at),
    );
}

/// The most bytes of a name, an id or another short text in a line, because clients and providers choose them. Prompts,
/// tool inputs and reasoning are not cut.
const MAX_SHORT_BYTES: usize = 512;

/// Returns at most [`MAX_SHORT_BYTES`] bytes of `text`.
fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_SHORT_BYTES)]
}

fn optional(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(short)
}

/// Formats as RFC 3339 in UTC with milliseconds, as SQLite stores it.
fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Formats as JSON text, because log lines have no nested fields.
fn json(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

#[cfg(test)]
mod tests;
