//! Conversion of records to rows of a SQLite database.

use super::insert::Insert;
use super::owners;
use super::time::to_text;
use super::write_error::WriteError;
use crate::storable::{extra_token_types, json_of_texts, metadata, storable};
use crate::tables;
use aibridge_recorder::{
    Interception, InterceptionEnd, Reasoning, Record, TokenUsage, ToolUsage, UserPrompt,
};
use rusqlite::{Connection, params};
use std::borrow::Cow;

const END: &str = "UPDATE aibridge_interceptions \
    SET outcome = ?2, error_type = ?3, upstream_status = ?4, ended_at = ?5, \
        credential_hint = coalesce(?6, credential_hint) \
    WHERE id = ?1 AND ended_at IS NULL";
const IS_KNOWN: &str = "SELECT 1 FROM aibridge_interceptions WHERE id = ?1";
const ANSWER_PROMPTS: &str =
    "UPDATE aibridge_user_prompts SET provider_response_id = ?2 WHERE interception_id = ?1";

/// The insert statements of all record tables.
pub(super) struct Rows {
    interceptions: Insert,
    prompts: Insert,
    token_usages: Insert,
    tool_usages: Insert,
    thoughts: Insert,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self {
            interceptions: Insert::into(&tables::INTERCEPTIONS),
            prompts: Insert::into(&tables::USER_PROMPTS),
            token_usages: Insert::into(&tables::TOKEN_USAGES),
            tool_usages: Insert::into(&tables::TOOL_USAGES),
            thoughts: Insert::into(&tables::MODEL_THOUGHTS),
        }
    }

    pub(super) fn write(&self, connection: &Connection, record: &Record) -> Result<(), WriteError> {
        match record {
            Record::Start(interception) => self.start(connection, interception),
            Record::Prompt(prompt) => self.prompt(connection, prompt),
            Record::TokenUsage(usage) => self.token_usage(connection, usage),
            Record::ToolUsage(usage) => self.tool_usage(connection, usage),
            Record::Reasoning(thought) => self.thought(connection, thought),
            Record::Owner(owner) => Ok(owners::claim(connection, owner)?),
            Record::End(ended) => end(connection, ended),
        }
    }

    fn start(&self, connection: &Connection, row: &Interception) -> Result<(), WriteError> {
        let values = params![
            row.id.to_string(),
            storable(&row.initiator_id),
            storable(&row.provider),
            storable(&row.provider_name),
            storable(&row.model),
            storable(&row.route),
            row.streaming,
            storable(&row.client),
            optional(&row.client_session_id),
            optional(&row.user_agent),
            row.credential_kind.as_str(),
            storable(&row.credential_hint),
            optional(&row.correlating_tool_call_id),
            json_of_texts(&row.metadata),
            to_text(row.started_at),
        ];
        self.interceptions.run(connection, values)
    }

    fn prompt(&self, connection: &Connection, row: &UserPrompt) -> Result<(), WriteError> {
        let values = params![
            row.id.to_string(),
            row.interception_id.to_string(),
            storable(&row.prompt),
            to_text(row.created_at),
        ];
        self.prompts.run(connection, values)
    }

    fn token_usage(&self, connection: &Connection, row: &TokenUsage) -> Result<(), WriteError> {
        let values = params![
            row.id.to_string(),
            row.interception_id.to_string(),
            optional(&row.provider_response_id),
            row.input_tokens,
            row.output_tokens,
            row.cache_read_input_tokens,
            row.cache_write_input_tokens,
            extra_token_types(row),
            to_text(row.created_at),
        ];
        self.token_usages.run(connection, values)
    }

    fn tool_usage(&self, connection: &Connection, row: &ToolUsage) -> Result<(), WriteError> {
        let values = params![
            row.id.to_string(),
            row.interception_id.to_string(),
            optional(&row.provider_response_id),
            optional(&row.provider_tool_call_id),
            storable(&row.tool),
            optional(&row.server_url),
            storable(&row.input),
            row.injected,
            optional(&row.invocation_error),
            to_text(row.created_at),
            metadata(None, row.truncated).to_string(),
        ];
        self.tool_usages.run(connection, values)
    }

    fn thought(&self, connection: &Connection, row: &Reasoning) -> Result<(), WriteError> {
        let values = params![
            row.id.to_string(),
            row.interception_id.to_string(),
            storable(&row.content),
            metadata(Some(row.source), row.truncated).to_string(),
            to_text(row.created_at),
        ];
        self.thoughts.run(connection, values)
    }
}

/// Closes an interception. A closed one is not changed: the first end is kept.
fn end(connection: &Connection, ended: &InterceptionEnd) -> Result<(), WriteError> {
    let id = ended.interception_id.to_string();
    let closed = connection.prepare_cached(END)?.execute(params![
        id,
        ended.outcome.as_str(),
        ended.outcome.error_type().map(|error_type| error_type.as_str()),
        ended.upstream_status,
        to_text(ended.ended_at),
        optional(&ended.credential_hint),
    ])?;
    if closed == 0 {
        let is_known = connection.prepare_cached(IS_KNOWN)?.exists([&id])?;
        let unknown =
            || WriteError::Conflict(format!("interception {id} has an end record, but no start record"));
        return is_known.then_some(()).ok_or_else(unknown);
    }
    if let Some(response_id) = optional(&ended.provider_response_id) {
        connection.prepare_cached(ANSWER_PROMPTS)?.execute(params![id, response_id])?;
    }
    Ok(())
}

fn optional(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(storable)
}
