//! The rows that belong to an interception.

use super::json_as_text;
use super::read::Columns;
use crate::query::{
    FullInterception, InterceptionRow, PromptRow, ThoughtRow, TokenSums, TokenUsageRow, ToolUsageRow,
    child_columns,
};
use crate::tables::{self, Table};
use rusqlite::{Connection, Row};
use std::sync::LazyLock;

static PROMPTS: LazyLock<String> = LazyLock::new(|| select(&tables::USER_PROMPTS));
static TOKEN_USAGES: LazyLock<String> = LazyLock::new(|| select(&tables::TOKEN_USAGES));
static TOOL_USAGES: LazyLock<String> = LazyLock::new(|| select(&tables::TOOL_USAGES));
static THOUGHTS: LazyLock<String> = LazyLock::new(|| select(&tables::MODEL_THOUGHTS));

fn select(table: &'static Table) -> String {
    let (name, columns) = (table.name, child_columns(table, json_as_text));
    format!("SELECT {columns} FROM {name} WHERE interception_id = ?1 ORDER BY id")
}

/// Reads the rows that belong to an interception.
pub(super) fn complete(
    connection: &Connection,
    interception: InterceptionRow,
) -> rusqlite::Result<FullInterception> {
    let id = interception.id.to_string();
    Ok(FullInterception {
        user_prompts: all(connection, &PROMPTS, &id, prompt)?,
        token_usages: all(connection, &TOKEN_USAGES, &id, token_usage)?,
        tool_usages: all(connection, &TOOL_USAGES, &id, tool_usage)?,
        model_thoughts: all(connection, &THOUGHTS, &id, thought)?,
        interception,
    })
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    id: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map([id], read)?.collect()
}

fn prompt(row: &Row<'_>) -> rusqlite::Result<PromptRow> {
    let columns = Columns(row);
    Ok(PromptRow {
        id: columns.id("id")?,
        provider_response_id: row.get("provider_response_id")?,
        prompt: row.get("prompt")?,
        created_at: columns.time("created_at")?,
    })
}

fn token_usage(row: &Row<'_>) -> rusqlite::Result<TokenUsageRow> {
    let columns = Columns(row);
    Ok(TokenUsageRow {
        id: columns.id("id")?,
        provider_response_id: row.get("provider_response_id")?,
        tokens: TokenSums {
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
            cache_read_input_tokens: row.get("cache_read_input_tokens")?,
            cache_write_input_tokens: row.get("cache_write_input_tokens")?,
        },
        extra_token_types: columns.json("extra_token_types")?,
        created_at: columns.time("created_at")?,
    })
}

fn tool_usage(row: &Row<'_>) -> rusqlite::Result<ToolUsageRow> {
    let columns = Columns(row);
    Ok(ToolUsageRow {
        id: columns.id("id")?,
        provider_response_id: row.get("provider_response_id")?,
        provider_tool_call_id: row.get("provider_tool_call_id")?,
        tool: row.get("tool")?,
        server_url: row.get("server_url")?,
        input: row.get("input")?,
        injected: row.get("injected")?,
        invocation_error: row.get("invocation_error")?,
        created_at: columns.time("created_at")?,
        metadata: columns.json("metadata")?,
    })
}

fn thought(row: &Row<'_>) -> rusqlite::Result<ThoughtRow> {
    let columns = Columns(row);
    Ok(ThoughtRow {
        id: columns.id("id")?,
        content: row.get("content")?,
        metadata: columns.json("metadata")?,
        created_at: columns.time("created_at")?,
    })
}
