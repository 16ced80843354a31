//! Interceptions with their token totals, by id.

use crate::records::Records;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Cells, Dialect, Value, Values};
use aibridge_store_core::query::{InterceptionRow, Summary, TokenSums, list_columns};
use aibridge_store_core::tables::{INTERCEPTIONS, Kind};
use uuid::Uuid;

impl Records {
    /// The interceptions with these ids, in the order of ids. Unknown ids are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn summaries_of(&self, ids: &[Uuid]) -> Result<Vec<Summary>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (columns, kinds) = summary_columns(self.dialect());
        let mut values = Values::default();
        let ids = values.bind_all(ids.iter().map(|id| Value::Id(*id)));
        let sql =
            format!("SELECT {columns} FROM aibridge_interceptions i WHERE i.id IN ({ids}) ORDER BY i.id");
        self.select(&values.statement(sql, kinds))?.into_iter().map(summary).collect()
    }
}

impl Records {
    /// The newest interceptions after the id `from`, in the order of ids, at most `limit`; without `from`, the newest
    /// ones of all.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn summaries_after(&self, from: Option<Uuid>, limit: usize) -> Result<Vec<Summary>, StoreError> {
        let (columns, kinds) = summary_columns(self.dialect());
        let mut values = Values::default();
        let from = values.bind(Value::Id(from.unwrap_or(Uuid::nil())));
        let sql = format!(
            "SELECT {columns} FROM aibridge_interceptions i WHERE i.id > {from} ORDER BY i.id DESC LIMIT {limit}"
        );
        let found = self.select(&values.statement(sql, kinds))?;
        found.into_iter().rev().map(summary).collect()
    }

    /// The ids among `ids` whose interceptions have ended.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn ended_of(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Values::default();
        let ids = values.bind_all(ids.iter().map(|id| Value::Id(*id)));
        let sql =
            format!("SELECT id FROM aibridge_interceptions WHERE id IN ({ids}) AND ended_at IS NOT NULL");
        let found = self.select(&values.statement(sql, [CellKind::Id]))?;
        found.into_iter().map(|mut cells| cells.id()).collect()
    }
}

/// The select list for a [`summary`] of `aibridge_interceptions i`, and its types.
pub(super) fn summary_columns(dialect: Dialect) -> (String, Vec<CellKind>) {
    let mut columns = list_columns(dialect.json_as_text());
    let kind = |kind| match kind {
        Kind::Id => CellKind::Id,
        Kind::Time => CellKind::Time,
        Kind::Integer => CellKind::Integer,
        Kind::Count => CellKind::Count,
        Kind::Boolean => CellKind::Boolean,
        Kind::Text | Kind::Json | Kind::Bytes => CellKind::Text,
    };
    let mut kinds: Vec<CellKind> = INTERCEPTIONS.returned().map(|column| kind(column.kind)).collect();
    for column in ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"] {
        let total = dialect.total(&format!("u.{column}"));
        columns.push_str(&format!(
            ", (SELECT {total} FROM aibridge_token_usages u WHERE u.interception_id = i.id)"
        ));
        kinds.push(CellKind::Float);
    }
    columns.push_str(&format!(
        ", (SELECT {} FROM aibridge_token_usages u WHERE u.interception_id = i.id)",
        dialect.cost_sum()
    ));
    kinds.push(CellKind::Count);
    (columns, kinds)
}

/// Reads a row with the [`summary_columns`].
pub(super) fn summary(mut cells: Cells) -> Result<Summary, StoreError> {
    let interception = InterceptionRow {
        id: cells.id()?,
        initiator_id: cells.text()?,
        provider: cells.text()?,
        provider_name: cells.text()?,
        model: cells.text()?,
        route: cells.text()?,
        streaming: cells.is_true()?,
        client: cells.text()?,
        client_session_id: cells.optional_text()?,
        user_agent: cells.optional_text()?,
        credential_kind: cells.text()?,
        credential_hint: cells.text()?,
        correlating_tool_call_id: cells.optional_text()?,
        metadata: cells.json()?,
        started_at: cells.time()?,
        ended_at: cells.optional_time()?,
        outcome: cells.optional_text()?,
        error_type: cells.optional_text()?,
        upstream_status: cells.optional_count()?.and_then(|status| u16::try_from(status).ok()),
    };
    let tokens = TokenSums {
        input_tokens: cells.rounded()?,
        output_tokens: cells.rounded()?,
        cache_read_input_tokens: cells.rounded()?,
        cache_write_input_tokens: cells.rounded()?,
        cost_nano_usd: cells.optional_count()?,
    };
    Ok(Summary { interception, tokens })
}
