//! Recorded usages with the columns that decide their cost, to compute it again.

use crate::records::Records;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Cells, Filter, Value, Values, first_id, next};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Number of usages that one transaction reads.
const PAGE: i64 = 500;

/// Time by which the timestamp in an id may exceed `started_at`, as for sums.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);

/// A row of `aibridge_token_usages`, with the columns that decide its cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedUsage {
    /// The interception that the row belongs to.
    pub interception_id: Uuid,
    /// The id of the row.
    pub id: Uuid,
    /// The type of the provider.
    pub provider: String,
    /// The configured name of the provider.
    pub provider_name: String,
    /// The model in the spelling of the client.
    pub model: String,
    /// The time of the request.
    pub started_at: Timestamp,
    /// Input, output, tokens read from the cache and tokens written to it.
    pub tokens: [i64; 4],
    /// Further counts and properties, as JSON.
    pub extra_token_types: String,
    /// The number of web searches and of file searches that the provider ran, by the tool calls of the responses API. A
    /// function of a client that has the same name has another kind of id.
    pub searches: [i64; 2],
    /// The cost in billionths of a US dollar.
    pub cost_nano_usd: Option<i64>,
    /// The value of the column `cost_status`.
    pub cost_status: Option<String>,
    /// The version of the price table and the row in it.
    pub price_id: Option<String>,
    /// The estimated input and output of a response that broke off.
    pub estimated_tokens: [Option<i64>; 2],
}

/// The columns of a usage `u` and its interception `i`, without searches.
const COLUMNS: &str = "u.interception_id, u.id, i.provider, i.provider_name, i.model, i.started_at, u.input_tokens, \
    u.output_tokens, u.cache_read_input_tokens, u.cache_write_input_tokens, u.cost_nano_usd, u.cost_status, u.price_id, \
    u.estimated_input_tokens, u.estimated_output_tokens";

impl Records {
    /// Calls `each` with the usages of the interceptions that started in an interval, a page at a time and in the order
    /// of their ids. No transaction is open while `each` runs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], or what `each` returned.
    pub fn recorded_usages<E: From<StoreError>>(
        &self,
        since: Timestamp,
        until: Option<Timestamp>,
        mut each: impl FnMut(Vec<RecordedUsage>) -> Result<(), E>,
    ) -> Result<(), E> {
        let filter = Filter { since: Some(since), until, ..Filter::default() };
        let first = filter.ids().0;
        let last = until.and_then(|until| until.checked_add(CLOCK_SLACK).ok());
        let last = last.map_or(Uuid::max(), |last| next(first_id(last)));
        let mut after = (first, Uuid::nil());
        loop {
            let page = self.page_of_usages(&filter, after, last)?;
            let Some(end) = page.last() else { return Ok(()) };
            after = (end.interception_id, end.id);
            each(page)?;
        }
    }

    fn page_of_usages(
        &self,
        filter: &Filter,
        after: (Uuid, Uuid),
        last: Uuid,
    ) -> Result<Vec<RecordedUsage>, StoreError> {
        let mut values = Values::default();
        let (interception, id) = (values.bind(Value::Id(after.0)), values.bind(Value::Id(after.1)));
        let last = values.bind(Value::Id(last));
        let mut conditions = String::new();
        for (operator, time) in [(">=", filter.since), ("<", filter.until)] {
            if let Some(time) = time {
                let time = values.bind(Value::Time(time));
                conditions.push_str(&format!(" AND i.started_at {operator} {time}"));
            }
        }
        let dialect = self.dialect();
        let count = |tool: &str, prefix: &str| {
            format!(
                "(SELECT {} FROM aibridge_tool_usages t WHERE t.interception_id = u.interception_id \
                 AND i.route LIKE '%/responses' AND t.tool = '{tool}' \
                 AND coalesce(t.provider_tool_call_id, '{prefix}') LIKE '{prefix}%')",
                dialect.count("*")
            )
        };
        let (web, file) = (count("web_search", "ws_"), count("file_search", "fs_"));
        let extra = dialect.json_as_text()("u.extra_token_types");
        let sql = format!(
            "SELECT {COLUMNS}, {extra}, {web}, {file} FROM aibridge_token_usages u \
             JOIN aibridge_interceptions i ON i.id = u.interception_id \
             WHERE (u.interception_id, u.id) > ({interception}, {id}) AND u.interception_id <= {last}{conditions} \
             ORDER BY u.interception_id, u.id LIMIT {PAGE}"
        );
        use CellKind::{Count, Id, Text, Time};
        let kinds = [
            Id, Id, Text, Text, Text, Time, Count, Count, Count, Count, Count, Text, Text, Count, Count,
            Text, Count, Count,
        ];
        self.select(&values.statement(sql, kinds))?.into_iter().map(usage).collect()
    }
}

fn usage(mut cells: Cells) -> Result<RecordedUsage, StoreError> {
    Ok(RecordedUsage {
        interception_id: cells.id()?,
        id: cells.id()?,
        provider: cells.text()?,
        provider_name: cells.text()?,
        model: cells.text()?,
        started_at: cells.time()?,
        tokens: [cells.count()?, cells.count()?, cells.count()?, cells.count()?],
        cost_nano_usd: cells.optional_count()?,
        cost_status: cells.optional_text()?,
        price_id: cells.optional_text()?,
        estimated_tokens: [cells.optional_count()?, cells.optional_count()?],
        extra_token_types: cells.text()?,
        searches: [cells.count()?, cells.count()?],
    })
}
