//! The rows that belong to interceptions.

use super::json_as_text;
use super::read::Json;
use crate::postgres::error::PgError;
use crate::query::{
    FullInterception, InterceptionRow, PromptRow, ThoughtRow, TokenSums, TokenUsageRow, ToolUsageRow,
    child_columns,
};
use crate::tables::{self, Table};
use futures_util::future::try_join4;
use std::collections::HashMap;
use std::sync::LazyLock;
use tokio_postgres::{Client, Error, Row};
use uuid::Uuid;

static PROMPTS: LazyLock<String> = LazyLock::new(|| select(&tables::USER_PROMPTS));
static TOKEN_USAGES: LazyLock<String> = LazyLock::new(|| select(&tables::TOKEN_USAGES));
static TOOL_USAGES: LazyLock<String> = LazyLock::new(|| select(&tables::TOOL_USAGES));
static THOUGHTS: LazyLock<String> = LazyLock::new(|| select(&tables::MODEL_THOUGHTS));

fn select(table: &'static Table) -> String {
    let (name, columns) = (table.name, child_columns(table, json_as_text));
    format!("SELECT interception_id, {columns} FROM {name} WHERE interception_id = ANY($1) ORDER BY id")
}

/// Reads the rows that belong to `interceptions`.
pub(super) async fn complete(
    client: &Client,
    interceptions: Vec<InterceptionRow>,
) -> Result<Vec<FullInterception>, PgError> {
    let ids: Vec<Uuid> = interceptions.iter().map(|row| row.id).collect();
    let (mut prompts, mut token_usages, mut tool_usages, mut thoughts) = try_join4(
        all(client, &PROMPTS, &ids, prompt),
        all(client, &TOKEN_USAGES, &ids, token_usage),
        all(client, &TOOL_USAGES, &ids, tool_usage),
        all(client, &THOUGHTS, &ids, thought),
    )
    .await?;
    let complete = |interception: InterceptionRow| FullInterception {
        user_prompts: prompts.remove(&interception.id).unwrap_or_default(),
        token_usages: token_usages.remove(&interception.id).unwrap_or_default(),
        tool_usages: tool_usages.remove(&interception.id).unwrap_or_default(),
        model_thoughts: thoughts.remove(&interception.id).unwrap_or_default(),
        interception,
    };
    Ok(interceptions.into_iter().map(complete).collect())
}

/// The rows of one table, by interception.
async fn all<T>(
    client: &Client,
    sql: &str,
    ids: &[Uuid],
    read: fn(&Row) -> Result<T, Error>,
) -> Result<HashMap<Uuid, Vec<T>>, PgError> {
    let mut found = HashMap::<_, Vec<T>>::new();
    for row in client.query(sql, &[&ids]).await? {
        found.entry(row.try_get("interception_id")?).or_default().push(read(&row)?);
    }
    Ok(found)
}

fn prompt(row: &Row) -> Result<PromptRow, Error> {
    Ok(PromptRow {
        id: row.try_get("id")?,
        provider_response_id: row.try_get("provider_response_id")?,
        prompt: row.try_get("prompt")?,
        created_at: row.try_get("created_at")?,
    })
}

fn token_usage(row: &Row) -> Result<TokenUsageRow, Error> {
    Ok(TokenUsageRow {
        id: row.try_get("id")?,
        provider_response_id: row.try_get("provider_response_id")?,
        tokens: TokenSums {
            input_tokens: row.try_get("input_tokens")?,
            output_tokens: row.try_get("output_tokens")?,
            cache_read_input_tokens: row.try_get("cache_read_input_tokens")?,
            cache_write_input_tokens: row.try_get("cache_write_input_tokens")?,
        },
        extra_token_types: row.try_get::<_, Json>("extra_token_types")?.0,
        created_at: row.try_get("created_at")?,
    })
}

fn tool_usage(row: &Row) -> Result<ToolUsageRow, Error> {
    Ok(ToolUsageRow {
        id: row.try_get("id")?,
        provider_response_id: row.try_get("provider_response_id")?,
        provider_tool_call_id: row.try_get("provider_tool_call_id")?,
        tool: row.try_get("tool")?,
        server_url: row.try_get("server_url")?,
        input: row.try_get("input")?,
        injected: row.try_get("injected")?,
        invocation_error: row.try_get("invocation_error")?,
        created_at: row.try_get("created_at")?,
        metadata: row.try_get::<_, Json>("metadata")?.0,
    })
}

fn thought(row: &Row) -> Result<ThoughtRow, Error> {
    Ok(ThoughtRow {
        id: row.try_get("id")?,
        content: row.try_get("content")?,
        metadata: row.try_get::<_, Json>("metadata")?.0,
        created_at: row.try_get("created_at")?,
    })
}
