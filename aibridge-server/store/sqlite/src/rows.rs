//! Writing the rows of a batch to a SQLite database.

use crate::time::to_text;
use aibridge_recorder::{ErrorType, InterceptionEnd};
use aibridge_store_core::tables::{self, Row, Table, Value};
use aibridge_store_core::{Batch, insert, storable};
use rusqlite::types::{Null, ToSqlOutput};
use rusqlite::{Connection, ToSql, params, params_from_iter};
use std::borrow::Cow;
use uuid::Uuid;

const END: &str = "UPDATE aibridge_interceptions \
    SET outcome = ?2, error_type = ?3, upstream_status = ?4, ended_at = ?5, \
        credential_hint = coalesce(?6, credential_hint) \
    WHERE id = ?1 AND (ended_at IS NULL OR error_type = 'gateway_crash')";
const IS_KNOWN: &str = "SELECT 1 FROM aibridge_interceptions WHERE id = ?1";
const ANSWER_PROMPTS: &str =
    "UPDATE aibridge_user_prompts SET provider_response_id = ?2 WHERE interception_id = ?1";
const REVOKE: &str = "DELETE FROM aibridge_interceptions WHERE id = ?1 AND ended_at IS NULL";

/// The insert statements of all tables that records go to.
pub(super) struct Statements {
    interceptions: String,
    prompts: String,
    token_usages: String,
    tool_usages: String,
    thoughts: String,
    owners: String,
    rejected: String,
}

/// The rows of a batch were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The database refused.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// An interception that ends did not start.
    #[error("interception {0} has an end record, but no start record")]
    UnknownEnd(Uuid),
}

impl Statements {
    pub(super) fn new() -> Self {
        let into = |table: &Table| {
            let values: Vec<String> = (1..=table.columns.len()).map(|number| format!("?{number}")).collect();
            insert(table, &[], &format!("VALUES ({})", values.join(", ")))
        };
        Self {
            interceptions: into(&tables::INTERCEPTIONS),
            prompts: into(&tables::USER_PROMPTS),
            token_usages: into(&tables::TOKEN_USAGES),
            tool_usages: into(&tables::TOOL_USAGES),
            thoughts: into(&tables::MODEL_THOUGHTS),
            owners: into(&tables::OBJECT_OWNERS),
            rejected: into(&tables::REJECTED_RECORDS),
        }
    }

    /// Writes the rows in the open transaction: an interception before the rows that belong to it.
    pub(super) fn write(
        &self,
        connection: &Connection,
        batch: &Batch,
        journal: Uuid,
    ) -> Result<(), WriteError> {
        let interceptions =
            batch.interceptions.iter().map(|(start, end)| tables::interception(start, end.as_ref()));
        run(connection, &self.interceptions, interceptions)?;
        let prompts = batch.prompts.iter().map(|(prompt, id)| tables::prompt(prompt, id.as_deref()));
        run(connection, &self.prompts, prompts)?;
        run(connection, &self.token_usages, batch.token_usages.iter().map(tables::token_usage))?;
        run(connection, &self.tool_usages, batch.tool_usages.iter().map(tables::tool_usage))?;
        run(connection, &self.thoughts, batch.thoughts.iter().map(tables::reasoning))?;
        run(connection, &self.owners, batch.owners.iter().map(tables::owner))?;
        run(connection, &self.rejected, batch.rejected.iter().map(|row| tables::rejected(row, journal)))?;
        batch.ends.iter().try_for_each(|ended| end(connection, ended))?;
        for id in &batch.revoked {
            connection.prepare_cached(REVOKE)?.execute([id.to_string()])?;
        }
        Ok(())
    }
}

fn run<'a>(connection: &Connection, sql: &str, rows: impl Iterator<Item = Row<'a>>) -> rusqlite::Result<()> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(sql)?;
    for row in rows {
        statement.execute(params_from_iter(row.into_iter().map(Bound)))?;
    }
    Ok(())
}

/// Closes an interception. A closed one is not changed: the first end is kept.
fn end(connection: &Connection, ended: &InterceptionEnd) -> Result<(), WriteError> {
    let id = ended.interception_id.to_string();
    let closed = connection.prepare_cached(END)?.execute(params![
        id,
        ended.outcome.as_str(),
        ended.outcome.error_type().map(ErrorType::as_str),
        ended.upstream_status,
        to_text(ended.ended_at),
        optional(&ended.credential_hint),
    ])?;
    if closed == 0 {
        let is_known = connection.prepare_cached(IS_KNOWN)?.exists([&id])?;
        return is_known.then_some(()).ok_or(WriteError::UnknownEnd(ended.interception_id));
    }
    if let Some(response_id) = optional(&ended.provider_response_id) {
        connection.prepare_cached(ANSWER_PROMPTS)?.execute(params![id, response_id])?;
    }
    Ok(())
}

fn optional(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(storable)
}

/// A value as a parameter of a statement.
struct Bound<'a>(Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match &self.0 {
            Value::Null => Null.to_sql(),
            Value::Id(id) => Ok(id.to_string().into()),
            Value::Text(text) => text.to_sql(),
            Value::Number(number) => number.to_sql(),
            Value::Boolean(boolean) => boolean.to_sql(),
            Value::Json(text) => text.to_sql(),
            Value::Time(time) => Ok(to_text(*time).into()),
        }
    }
}
