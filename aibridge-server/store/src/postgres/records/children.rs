//! The rows that belong to interceptions.

use super::read::Json;
use crate::postgres::error::PgError;
use crate::query::{
    FullInterception, InterceptionRow, PromptRow, ThoughtRow, TokenSums, TokenUsageRow, ToolUsageRow,
};
use futures_util::future::try_join4;
use std::collections::HashMap;
use tokio_postgres::{Client, Error, Row};
use uuid::Uuid;

const PROMPTS: &str = "SELECT interception_id, id, provider_response_id, prompt, created_at \
    FROM aibridge_user_prompts WHERE interception_id = ANY($1) ORDER BY id";
const TOKEN_USAGES: &str = "SELECT interception_id, id, provider_response_id, input_tokens, output_tokens, \
    cache_read_input_tokens, cache_write_input_tokens, extra_token_types::text, created_at \
    FROM aibridge_token_usages WHERE interception_id = ANY($1) ORDER BY id";
const TOOL_USAGES: &str = "SELECT interception_id, id, provider_response_id, provider_tool_call_id, tool, server_url, \
    input, injected, invocation_error, created_at, coalesce(metadata::text, '{}') \
    FROM aibridge_tool_usages WHERE interception_id = ANY($1) ORDER BY id";
const THOUGHTS: &str = "SELECT interception_id, id, content, metadata::text, created_at \
    FROM aibridge_model_thoughts WHERE interception_id = ANY($1) ORDER BY id";

/// Reads the rows that belong to `interceptions`.
pub(super) async fn complete(
    client: &Client,
    interceptions: Vec<InterceptionRow>,
) -> Result<Vec<FullInterception>, PgError> {
    let ids: Vec<Uuid> = interceptions.iter().map(|row| row.id).collect();
    let (mut prompts, mut token_usages, mut tool_usages, mut thoughts) = try_join4(
        all(client, PROMPTS, &ids, prompt),
        all(client, TOKEN_USAGES, &ids, token_usage),
        all(client, TOOL_USAGES, &ids, tool_usage),
        all(client, THOUGHTS, &ids, thought),
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
        found.entry(row.try_get(0)?).or_default().push(read(&row)?);
    }
    Ok(found)
}

fn prompt(row: &Row) -> Result<PromptRow, Error> {
    Ok(PromptRow {
        id: row.try_get(1)?,
        provider_response_id: row.try_get(2)?,
        prompt: row.try_get(3)?,
        created_at: row.try_get(4)?,
    })
}

fn token_usage(row: &Row) -> Result<TokenUsageRow, Error> {
    Ok(TokenUsageRow {
        id: row.try_get(1)?,
        provider_response_id: row.try_get(2)?,
        tokens: TokenSums {
            input_tokens: row.try_get(3)?,
            output_tokens: row.try_get(4)?,
            cache_read_input_tokens: row.try_get(5)?,
            cache_write_input_tokens: row.try_get(6)?,
        },
        extra_token_types: row.try_get::<_, Json>(7)?.0,
        created_at: row.try_get(8)?,
    })
}

fn tool_usage(row: &Row) -> Result<ToolUsageRow, Error> {
    Ok(ToolUsageRow {
        id: row.try_get(1)?,
        provider_response_id: row.try_get(2)?,
        provider_tool_call_id: row.try_get(3)?,
        tool: row.try_get(4)?,
        server_url: row.try_get(5)?,
        input: row.try_get(6)?,
        injected: row.try_get(7)?,
        invocation_error: row.try_get(8)?,
        created_at: row.try_get(9)?,
        metadata: row.try_get::<_, Json>(10)?.0,
    })
}

fn thought(row: &Row) -> Result<ThoughtRow, Error> {
    Ok(ThoughtRow {
        id: row.try_get(1)?,
        content: row.try_get(2)?,
        metadata: row.try_get::<_, Json>(3)?.0,
        created_at: row.try_get(4)?,
    })
}
