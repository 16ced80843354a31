//! The rows that belong to an interception.

use super::json_as_text;
use super::read::Reader;
use aibridge_store_core::query::{
    FullInterception, InterceptionRow, PromptRow, ThoughtRow, TokenUsageRow, ToolUsageRow, child_columns,
};
use aibridge_store_core::tables::{self, Table};
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
        user_prompts: all(connection, &PROMPTS, &id, |row| PromptRow::read(&Reader(row)))?,
        token_usages: all(connection, &TOKEN_USAGES, &id, |row| TokenUsageRow::read(&Reader(row)))?,
        tool_usages: all(connection, &TOOL_USAGES, &id, |row| ToolUsageRow::read(&Reader(row)))?,
        model_thoughts: all(connection, &THOUGHTS, &id, |row| ThoughtRow::read(&Reader(row)))?,
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
