//! Conversion of records to JSON rows, the form in which statements read them and the spool keeps them.

use super::target::{COUNT, ENDS, INTERCEPTIONS, OWNERS, PROMPTS, THOUGHTS, TOKEN_USAGES, TOOL_USAGES};
use crate::job::Job;
use crate::storable::{extra_token_types, metadata, storable};
use aibridge_recorder::{
    Interception, InterceptionEnd, ObjectOwner, Reasoning, Record, TokenUsage, ToolUsage, UserPrompt,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use uuid::Uuid;

/// The rows of one call, for the writer. Without rows, it is a probe.
pub(super) type WriteJob = Job<Rows, ()>;

/// The records of one call as JSON rows, by target.
#[derive(Debug, Serialize)]
pub(super) struct Rows([Vec<Box<RawValue>>; COUNT]);

impl Rows {
    /// The rows of `records`, written by `instance`.
    ///
    /// # Errors
    ///
    /// None in practice: rows consist of texts and numbers.
    pub(super) fn new(records: &[Record], instance: Uuid) -> serde_json::Result<Self> {
        let mut rows = Self(Default::default());
        for record in records {
            let (target, row) = match record {
                Record::Start(row) => (INTERCEPTIONS, interception(row, instance)),
                Record::Prompt(row) => (PROMPTS, prompt(row)),
                Record::TokenUsage(row) => (TOKEN_USAGES, token_usage(row)),
                Record::ToolUsage(row) => (TOOL_USAGES, tool_usage(row)),
                Record::Reasoning(row) => (THOUGHTS, thought(row)),
                Record::Owner(row) => (OWNERS, owner(row)),
                Record::End(row) => (ENDS, end(row)),
            };
            rows.0[target].push(to_raw_value(&row)?);
        }
        Ok(rows)
    }

    /// Whether there are no rows, so that the call is a probe.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Whether they contain the start of an interception.
    pub(super) fn has_start(&self) -> bool {
        !self.0[INTERCEPTIONS].is_empty()
    }

    /// Approximate size in bytes.
    pub(super) fn size(&self) -> usize {
        self.0.iter().flatten().map(|row| row.get().len()).sum()
    }
}

impl<'de> Deserialize<'de> for Rows {
    /// Accepts rows with fewer targets, which an earlier version may have spooled.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut targets = Vec::<Vec<Box<RawValue>>>::deserialize(deserializer)?;
        if targets.len() < COUNT {
            targets.resize_with(COUNT, Vec::new);
        }
        let targets = <[_; COUNT]>::try_from(targets);
        targets.map(Self).map_err(|targets| {
            serde::de::Error::invalid_length(targets.len(), &"the targets of this version")
        })
    }
}

/// The rows of several calls for one target as a JSON array, and their number.
pub(super) fn array<'a>(target: usize, jobs: impl IntoIterator<Item = &'a Rows>) -> (String, i64) {
    let (mut text, mut count) = (String::from("["), 0);
    for row in jobs.into_iter().flat_map(|rows| &rows.0[target]) {
        if count > 0 {
            text.push(',');
        }
        text.push_str(row.get());
        count += 1;
    }
    text.push(']');
    (text, count)
}

fn interception(row: &Interception, instance: Uuid) -> Value {
    json!({
        "id": row.id.to_string(),
        "initiator_id": storable(&row.initiator_id),
        "provider": storable(&row.provider),
        "provider_name": storable(&row.provider_name),
        "model": storable(&row.model),
        "route": storable(&row.route),
        "streaming": row.streaming,
        "client": storable(&row.client),
        "client_session_id": optional(&row.client_session_id),
        "user_agent": optional(&row.user_agent),
        "credential_kind": row.credential_kind.as_str(),
        "credential_hint": storable(&row.credential_hint),
        "correlating_tool_call_id": optional(&row.correlating_tool_call_id),
        "metadata": object(row.metadata.iter().map(|(name, text)| (name, storable(text).into()))),
        "started_at": time(row.started_at),
        "instance_id": instance.to_string(),
    })
}

fn prompt(row: &UserPrompt) -> Value {
    json!({
        "id": row.id.to_string(),
        "interception_id": row.interception_id.to_string(),
        "prompt": storable(&row.prompt),
        "created_at": time(row.created_at),
    })
}

fn token_usage(row: &TokenUsage) -> Value {
    json!({
        "id": row.id.to_string(),
        "interception_id": row.interception_id.to_string(),
        "provider_response_id": optional(&row.provider_response_id),
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_read_input_tokens": row.cache_read_input_tokens,
        "cache_write_input_tokens": row.cache_write_input_tokens,
        "extra_token_types": serde_json::from_str(&extra_token_types(row)).unwrap_or(Value::Null),
        "created_at": time(row.created_at),
    })
}

fn tool_usage(row: &ToolUsage) -> Value {
    json!({
        "id": row.id.to_string(),
        "interception_id": row.interception_id.to_string(),
        "provider_response_id": optional(&row.provider_response_id),
        "provider_tool_call_id": optional(&row.provider_tool_call_id),
        "tool": storable(&row.tool),
        "server_url": optional(&row.server_url),
        "input": storable(&row.input),
        "injected": row.injected,
        "invocation_error": optional(&row.invocation_error),
        "created_at": time(row.created_at),
        "metadata": metadata(None, row.truncated),
    })
}

fn thought(row: &Reasoning) -> Value {
    json!({
        "id": row.id.to_string(),
        "interception_id": row.interception_id.to_string(),
        "content": storable(&row.content),
        "metadata": metadata(Some(row.source), row.truncated),
        "created_at": time(row.created_at),
    })
}

fn end(row: &InterceptionEnd) -> Value {
    json!({
        "id": row.interception_id.to_string(),
        "outcome": row.outcome.as_str(),
        "error_type": row.outcome.error_type().map(|error_type| error_type.as_str()),
        "upstream_status": row.upstream_status,
        "ended_at": time(row.ended_at),
        "credential_hint": optional(&row.credential_hint),
        "provider_response_id": optional(&row.provider_response_id),
    })
}

fn owner(row: &ObjectOwner) -> Value {
    json!({
        "provider_name": storable(&row.provider_name),
        "object_id": storable(&row.object_id),
        "initiator_id": storable(&row.initiator_id),
        "created_at": time(row.created_at),
    })
}

fn object<'a>(entries: impl Iterator<Item = (&'a String, Value)>) -> Value {
    Value::Object(entries.map(|(name, value)| (storable(name).into_owned(), value)).collect::<Map<_, _>>())
}

fn optional(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(storable)
}

/// A time truncated to milliseconds, the precision of both databases.
fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spooled_rows_of_an_earlier_version_are_read() {
        let earlier = r#"[[{"id":1}],[],[],[],[],[{"id":2}]]"#;
        let rows: Rows = serde_json::from_str(earlier).expect("rows");
        assert_eq!(array(INTERCEPTIONS, [&rows]), (r#"[{"id":1}]"#.to_owned(), 1));
        assert_eq!(array(ENDS, [&rows]), (r#"[{"id":2}]"#.to_owned(), 1));
        assert_eq!(array(OWNERS, [&rows]), ("[]".to_owned(), 0));
        assert!(serde_json::from_str::<Rows>("[[],[],[],[],[],[],[],[]]").is_err(), "a later version's");
    }
}
