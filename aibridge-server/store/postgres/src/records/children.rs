//! The rows that belong to interceptions.

use super::json_as_text;
use super::read::Reader;
use crate::error::PgError;
use aibridge_store_core::query::{
    FullInterception, InterceptionRow, PromptRow, ThoughtRow, TokenUsageRow, ToolUsageRow, child_columns,
};
use aibridge_store_core::tables::{self, Table};
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
        all(client, &PROMPTS, &ids, |row| PromptRow::read(&Reader(row))),
        all(client, &TOKEN_USAGES, &ids, |row| TokenUsageRow::read(&Reader(row))),
        all(client, &TOOL_USAGES, &ids, |row| ToolUsageRow::read(&Reader(row))),
        all(client, &THOUGHTS, &ids, |row| ThoughtRow::read(&Reader(row))),
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
