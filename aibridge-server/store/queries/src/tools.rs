//! The tools that models selected, counted by the database.

use crate::conditions::conditions;
use crate::records::Records;
use crate::rolled::RolledPart;
use crate::time_segments::Segment;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::Filter;
use aibridge_store_core::query::{CellKind, Values};
use serde::Serialize;
use std::collections::HashMap;

/// Maximum length in characters of a tool name in a list.
const NAME_CHARS: usize = 200;

/// Number of different tools that are counted. Models choose the names, so the number needs a bound; calls of further
/// tools are not counted.
const MAX_TOOLS: usize = 10_000;

/// The columns of a count of tool calls.
const TOOL_KINDS: [CellKind; 3] = [CellKind::Text, CellKind::Count, CellKind::Count];

/// The calls of one tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolCount {
    /// The name of the tool.
    pub tool: String,
    /// Number of calls.
    pub calls: u64,
    /// Number of calls of an injected tool that failed.
    pub failed: u64,
}

impl Records {
    /// The `limit` tools with the most calls in the interceptions that match `filter`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn tools(&self, filter: &Filter, limit: usize) -> Result<Vec<ToolCount>, StoreError> {
        let mut counts = HashMap::<String, (u64, u64)>::new();
        let mut add = |tool: String, calls: i64, failed: i64| {
            if counts.len() >= MAX_TOOLS && !counts.contains_key(&tool) {
                return;
            }
            let sums = counts.entry(tool).or_default();
            sums.0 += calls.unsigned_abs();
            sums.1 += failed.unsigned_abs();
        };
        let all = Segment { since: filter.since, until: filter.until, offset: 0 };
        let (stored, raw) = match self.rolled(filter)? {
            Some(rolled) => rolled.split(&all),
            None => (None, vec![all]),
        };
        if let Some(stored) = stored {
            self.period_chunks("aibridge_totals_tools", &stored, |stored| {
                self.add_stored_tools(filter, stored, &mut add)
            })?;
        }
        for part in raw {
            let filter = Filter { since: part.since, until: part.until, ..filter.clone() };
            self.add_raw_tools(&filter, &mut add)?;
        }
        let row = |(tool, (calls, failed))| ToolCount { tool, calls, failed };
        let mut rows: Vec<ToolCount> = counts.into_iter().map(row).collect();
        rows.sort_by(|one, other| other.calls.cmp(&one.calls).then_with(|| one.tool.cmp(&other.tool)));
        rows.truncate(limit);
        Ok(rows)
    }

    fn add_stored_tools(
        &self,
        filter: &Filter,
        stored: &RolledPart,
        add: &mut impl FnMut(String, i64, i64),
    ) -> Result<(), StoreError> {
        let mut values = Values::default();
        let conditions = stored.conditions(filter, &mut values);
        let (calls, failed) = (self.dialect().sum("i.calls"), self.dialect().sum("i.failed"));
        let sql = format!(
            "SELECT i.tool, {calls}, {failed} FROM aibridge_totals_tools i WHERE {conditions} GROUP BY 1"
        );
        for mut cells in self.select(&values.statement(sql, TOOL_KINDS))? {
            add(cells.text()?, cells.count()?, cells.count()?);
        }
        Ok(())
    }

    fn add_raw_tools(
        &self,
        filter: &Filter,
        add: &mut impl FnMut(String, i64, i64),
    ) -> Result<(), StoreError> {
        let dialect = self.dialect();
        self.id_chunks(filter, |range| {
            let mut values = Values::default();
            let conditions = conditions(filter, range, "i", &mut values);
            let sql = format!(
                "SELECT substr(t.tool, 1, {NAME_CHARS}), {}, {} FROM aibridge_interceptions i \
                 JOIN aibridge_tool_usages t ON t.interception_id = i.id WHERE {conditions} GROUP BY 1",
                dialect.count("*"),
                dialect.count("t.invocation_error"),
            );
            for mut cells in self.select(&values.statement(sql, TOOL_KINDS))? {
                add(cells.text()?, cells.count()?, cells.count()?);
            }
            Ok::<_, StoreError>(())
        })
    }
}
