//! Sums of costs since given times, by actor, provider, model and attributes of the actor.

use crate::records::Records;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::first_id;
use aibridge_store_core::query::{CellKind, Dialect, Value, Values};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Number of start times: the starts of day, week and month.
const STARTS: usize = 3;

/// The longest duration of a response whose cost is counted. Costs of longer ones are missing.
const MAX_RESPONSE_TIME: SignedDuration = SignedDuration::from_hours(24);

/// The costs of one actor, with the same attributes, for one model of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// The actor (`initiator_id`).
    pub user: String,
    /// The configured name of the provider.
    pub provider: String,
    /// The model in the spelling of the client.
    pub model: String,
    /// The attributes of the actor.
    pub metadata: BTreeMap<String, String>,
    /// The sums of the costs in nano-USD since each of the times.
    pub nano_usd: [i64; STARTS],
}

/// A question about spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpendingQuery {
    /// The times that sums begin at.
    pub starts: [Timestamp; STARTS],
    /// Whether requests with the keys of clients count.
    pub counts_byok: bool,
    /// The records that are left out, because a gateway counts them itself.
    pub except: Option<OwnRecords>,
}

/// The records of a gateway since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnRecords {
    /// The instance that wrote them, on PostgreSQL; `None` for all of a SQLite file.
    pub instance: Option<Uuid>,
    /// The time from which on they were created, in whole milliseconds.
    pub since: Timestamp,
}

impl Records {
    /// The spending since each of the times that sums begin at.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn spending(&self, query: &SpendingQuery) -> Result<Vec<Spending>, StoreError> {
        let SpendingQuery { starts, counts_byok, except } = *query;
        let earliest = starts.into_iter().min().unwrap_or(Timestamp::MIN);
        let began = earliest.checked_sub(MAX_RESPONSE_TIME).unwrap_or(earliest);
        let dialect = self.dialect();
        let mut values = Values::default();
        let sums = starts.map(|start| sum_since(dialect, &values.bind(Value::Time(start)))).join(", ");
        let since = values.bind(Value::Time(earliest));
        let first = values.bind(Value::Id(first_id(began)));
        let keys = if counts_byok { "" } else { " AND i.credential_kind = 'centralized'" };
        let except = except.map_or_else(String::new, |own| {
            let since = values.bind(Value::Time(own.since));
            let instance = own.instance.map(|instance| {
                format!(" AND i.instance_id IS NOT DISTINCT FROM {}", values.bind(Value::Id(instance)))
            });
            format!(" AND NOT (u.created_at >= {since}{})", instance.unwrap_or_default())
        });
        let metadata = dialect.json_as_text()("i.metadata");
        let sql = format!(
            "SELECT i.initiator_id, i.provider_name, i.model, {metadata}, {sums} FROM aibridge_interceptions i \
             JOIN aibridge_token_usages u ON u.interception_id = i.id \
             WHERE i.id >= {first} AND u.created_at >= {since} AND u.cost_nano_usd > 0{keys}{except} GROUP BY 1, 2, 3, 4"
        );
        use CellKind::{Count, Text};
        let kinds = [Text, Text, Text, Text, Count, Count, Count];
        let rows = self.select(&values.statement(sql, kinds))?;
        rows.into_iter()
            .map(|mut cells| {
                Ok(Spending {
                    user: cells.text()?,
                    provider: cells.text()?,
                    model: cells.text()?,
                    metadata: serde_json::from_str(&cells.text()?).unwrap_or_default(),
                    nano_usd: [cells.count()?, cells.count()?, cells.count()?],
                })
            })
            .collect()
    }
}

/// The sum of the costs since the bound time `start`. A single cost counts as at most a million dollars.
fn sum_since(dialect: Dialect, start: &str) -> String {
    let (least, cast) = match dialect {
        Dialect::Sqlite => ("min", ""),
        Dialect::Postgres => ("least", "::bigint"),
    };
    format!(
        "sum(CASE WHEN u.created_at >= {start} THEN {least}(u.cost_nano_usd, 1000000000000000) ELSE 0 END){cast}"
    )
}
