//! The rows that belong to an interception.

use super::read::Columns;
use crate::query::{
    FullInterception, InterceptionRow, PromptRow, ThoughtRow, TokenSums, TokenUsageRow, ToolUsageRow,
};
use rusqlite::{Connection, Row};

const PROMPTS: &str = "SELECT id, provider_response_id, prompt, created_at \
    FROM aibridge_user_prompts WHERE interception_id = ?1 ORDER BY id";
const TOKEN_USAGES: &str = "SELECT id, provider_response_id, input_tokens, output_tokens, cache_read_input_tokens, \
    cache_write_input_tokens, extra_token_types, created_at \
    FROM aibridge_token_usages WHERE interception_id = ?1 ORDER BY id";
const TOOL_USAGES: &str = "SELECT id, provider_response_id, provider_tool_call_id, tool, server_url, input, injected, \
    invocation_error, created_at, coalesce(metadata, '{}') FROM aibridge_tool_usages WHERE interception_id = ?1 ORDER BY id";
const THOUGHTS: &str = "SELECT id, content, metadata, created_at \
    FROM aibridge_model_thoughts WHERE interception_id = ?1 ORDER BY id";

/// Reads the rows that belong to an interception.
pub(super) fn complete(
    connection: &Connection,
    interception: InterceptionRow,
) -> rusqlite::Result<FullInterception> {
    let id = interception.id.to_string();
    Ok(FullInterception {
        user_prompts: all(connection, PROMPTS, &id, prompt)?,
        token_usages: all(connection, TOKEN_USAGES, &id, token_usage)?,
        tool_usages: all(connection, TOOL_USAGES, &id, tool_usage)?,
        model_thoughts: all(connection, THOUGHTS, &id, thought)?,
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
        id: columns.id(0)?,
        provider_response_id: row.get(1)?,
        prompt: row.get(2)?,
        created_at: columns.time(3)?,
    })
}

fn token_usage(row: &Row<'_>) -> rusqlite::Result<TokenUsageRow> {
    let columns = Columns(row);
    Ok(TokenUsageRow {
        id: columns.id(0)?,
        provider_response_id: row.get(1)?,
        tokens: TokenSums {
            input_tokens: row.get(2)?,
            output_tokens: row.get(3)?,
            cache_read_input_tokens: row.get(4)?,
            cache_write_input_tokens: row.get(5)?,
        },
        extra_token_types: columns.json(6)?,
        created_at: columns.time(7)?,
    })
}

fn tool_usage(row: &Row<'_>) -> rusqlite::Result<ToolUsageRow> {
    let columns = Columns(row);
    Ok(ToolUsageRow {
        id: columns.id(0)?,
        provider_response_id: row.get(1)?,
        provider_tool_call_id: row.get(2)?,
        tool: row.get(3)?,
        server_url: row.get(4)?,
        input: row.get(5)?,
        injected: row.get(6)?,
        invocation_error: row.get(7)?,
        created_at: columns.time(8)?,
        metadata: columns.json(9)?,
    })
}

fn thought(row: &Row<'_>) -> rusqlite::Result<ThoughtRow> {
    let columns = Columns(row);
    Ok(ThoughtRow {
        id: columns.id(0)?,
        content: row.get(1)?,
        metadata: columns.json(2)?,
        created_at: columns.time(3)?,
    })
}
