//! Sums over interceptions by hour or day and by key, computed by the database.

use crate::conditions::conditions;
use crate::records::Records;
use crate::rolled::RolledPart;
use crate::time_segments::{Interval, Segment, segments};
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Cells, Dialect, PERIOD_SECONDS, Values};
use aibridge_store_core::query::{Filter, TokenSums};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Maximum length in characters of a key.
const KEY_CHARS: usize = 200;

/// A column by which totals are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TotalsKey {
    /// The actor (`initiator_id`).
    User,
    /// The model in the spelling of the client.
    Model,
    /// The configured name of the provider.
    Provider,
    /// The client program, e.g. `Codex`.
    Client,
    /// `completed`, `failed`, `cancelled` or `open`.
    Outcome,
    /// The cause of a failure; empty for other outcomes.
    ErrorType,
}

/// A query for totals: the interceptions and the groups.
#[derive(Debug, Clone)]
pub struct TotalsQuery {
    /// The interceptions to read.
    pub filter: Filter,
    /// The keys to group by.
    pub by: Vec<TotalsKey>,
    /// The length of the groups in time; `None` for one group.
    pub interval: Option<Interval>,
    /// The zone of hours and days.
    pub zone: TimeZone,
}

/// The totals of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of interceptions.
    pub requests: u64,
    /// Number of interceptions with the outcome `failed`.
    pub failed: u64,
    /// Number of interceptions with the outcome `cancelled`.
    pub cancelled: u64,
    /// Number of interceptions that have ended.
    pub ended: u64,
    /// The sum of the durations of those that have ended, in milliseconds.
    pub duration_ms: u64,
    /// The sums of their token usages and costs.
    pub tokens: TokenSums,
    /// Number of usages without a cost.
    pub unpriced: u64,
}

/// The totals of one group with its start and its key values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalsRow {
    /// The start of the hour or day; `None` without an interval.
    pub at: Option<Timestamp>,
    /// The values of the keys, in the order of the query.
    pub key: Vec<String>,
    /// The totals of the group.
    pub totals: Totals,
}

/// A running aggregation of totals. Memory grows with the number of groups.
#[derive(Debug, Default)]
struct Groups {
    all: BTreeMap<(Option<i64>, Vec<String>), Totals>,
    bytes: usize,
}

impl TotalsKey {
    /// All keys, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::User, Self::Model, Self::Provider, Self::Client, Self::Outcome, Self::ErrorType];

    /// The name of the key in requests and results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Client => "client",
            Self::Outcome => "outcome",
            Self::ErrorType => "error_type",
        }
    }

    /// The key with this name; `None` if there is no such key.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }

    fn sql(self) -> String {
        match self {
            Self::User => "i.initiator_id".to_owned(),
            Self::Model => format!("substr(i.model, 1, {KEY_CHARS})"),
            Self::Provider => "i.provider_name".to_owned(),
            Self::Client => "i.client".to_owned(),
            Self::Outcome => "coalesce(i.outcome, 'open')".to_owned(),
            Self::ErrorType => "coalesce(i.error_type, '')".to_owned(),
        }
    }
}

impl Totals {
    /// Adds the totals of another group.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.ended += other.ended;
        self.duration_ms = self.duration_ms.saturating_add(other.duration_ms);
        self.tokens.add(other.tokens);
        self.unpriced += other.unpriced;
    }
}

impl Groups {
    fn add(&mut self, bucket: Option<i64>, key: Vec<String>, totals: &Totals) {
        let entry = self.all.entry((bucket, key)).or_insert_with_key(|(_, key)| {
            self.bytes += key.iter().map(String::len).sum::<usize>();
            Totals::default()
        });
        entry.add(totals);
    }
}

impl Records {
    /// The totals of `query`, ordered by time and key. `check` receives the number of groups and the bytes of their keys
    /// while they grow.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], or what `check` returned.
    pub fn totals<E: From<StoreError>>(
        &self,
        query: &TotalsQuery,
        check: impl Fn(usize, usize) -> Result<(), E>,
    ) -> Result<Vec<TotalsRow>, E> {
        let Filter { since, until, .. } = query.filter;
        let parts = match query.interval {
            None => vec![Segment { since, until, offset: 0 }],
            Some(_) => {
                let first = self.first_started_at()?.unwrap_or(Timestamp::UNIX_EPOCH);
                segments(&query.zone, (since, until), first)
            }
        };
        let mut groups = Groups::default();
        let rolled = self.rolled(&query.filter)?;
        for part in parts {
            let (stored, raw) = match &rolled {
                Some(rolled) => rolled.split(&part),
                None => (None, vec![part.clone()]),
            };
            if let Some(stored) = stored {
                self.period_chunks("aibridge_totals", &stored, |stored| {
                    self.add_stored(query, &part, stored, &mut groups)?;
                    check(groups.all.len(), groups.bytes)
                })?;
            }
            for part in raw {
                self.add_raw(query, &part, &mut groups, &check)?;
            }
        }
        let start = |bucket| query.interval.map(|interval: Interval| interval.start(bucket, &query.zone));
        let row = |((bucket, key), totals): ((Option<i64>, Vec<String>), Totals)| TotalsRow {
            at: bucket.and_then(start),
            key,
            totals,
        };
        Ok(groups.all.into_iter().map(row).collect())
    }

    /// Adds the stored sums of periods in one segment.
    fn add_stored(
        &self,
        query: &TotalsQuery,
        part: &Segment,
        stored: &RolledPart,
        groups: &mut Groups,
    ) -> Result<(), StoreError> {
        let mut columns: Vec<String> = query.by.iter().map(|key| key.sql()).collect();
        let mut kinds = vec![CellKind::Text; columns.len()];
        if let Some(interval) = query.interval {
            let (offset, width) = (part.offset, interval.seconds());
            columns.insert(0, format!("(i.period * {PERIOD_SECONDS} + {offset}) / {width}"));
            kinds.insert(0, CellKind::Count);
        }
        let mut values = Values::default();
        let conditions = stored.conditions(&query.filter, &mut values);
        let dialect = self.dialect();
        let of = |outcome: &str| {
            dialect.sum(&format!("CASE WHEN i.outcome = '{outcome}' THEN i.requests ELSE 0 END"))
        };
        let mut sums = vec![dialect.sum("i.requests"), of("failed"), of("cancelled")];
        sums.extend(["ended", "duration_ms"].map(|column| dialect.sum(&format!("i.{column}"))));
        let tokens = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"];
        sums.extend(tokens.map(|column| dialect.total(&format!("i.{column}"))));
        sums.extend(["cost_nano_usd", "unpriced"].map(|column| dialect.sum(&format!("i.{column}"))));
        kinds.extend([CellKind::Count; 5]);
        kinds.extend([CellKind::Float; 4]);
        kinds.extend([CellKind::Count; 2]);
        let sql =
            grouped(&columns, &sums.join(", "), "aibridge_totals i", &conditions) + " HAVING count(*) > 0";
        for mut cells in self.select(&values.statement(sql, kinds))? {
            let (bucket, key) = group(&mut cells, query)?;
            let mut count = || cells.count().map(i64::unsigned_abs);
            let (requests, failed, cancelled, ended, duration_ms) =
                (count()?, count()?, count()?, count()?, count()?);
            let tokens = TokenSums {
                input_tokens: cells.rounded()?,
                output_tokens: cells.rounded()?,
                cache_read_input_tokens: cells.rounded()?,
                cache_write_input_tokens: cells.rounded()?,
                cost_nano_usd: cells.optional_count()?,
            };
            let unpriced = cells.count()?.unsigned_abs();
            let totals = Totals { requests, failed, cancelled, ended, duration_ms, tokens, unpriced };
            groups.add(bucket, key, &totals);
        }
        Ok(())
    }

    /// Adds the interceptions of one segment, a bounded range of ids at a time.
    fn add_raw<E: From<StoreError>>(
        &self,
        query: &TotalsQuery,
        part: &Segment,
        groups: &mut Groups,
        check: &impl Fn(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let filter = Filter { since: part.since, until: part.until, ..query.filter.clone() };
        self.id_chunks(&filter, |range| {
            let (sql, kinds) = requests_sql(self.dialect(), query, part, &filter, range);
            for mut cells in self.select(&sql.statement_of(kinds))? {
                let (bucket, key) = group(&mut cells, query)?;
                let totals = Totals {
                    requests: cells.count()?.unsigned_abs(),
                    failed: cells.rounded()?.unsigned_abs(),
                    cancelled: cells.rounded()?.unsigned_abs(),
                    ended: cells.count()?.unsigned_abs(),
                    duration_ms: cells.rounded()?.max(0).unsigned_abs(),
                    ..Totals::default()
                };
                groups.add(bucket, key, &totals);
            }
            let (sql, kinds) = usages_sql(self.dialect(), query, part, &filter, range);
            for mut cells in self.select(&sql.statement_of(kinds))? {
                let (bucket, key) = group(&mut cells, query)?;
                let tokens = TokenSums {
                    input_tokens: cells.rounded()?,
                    output_tokens: cells.rounded()?,
                    cache_read_input_tokens: cells.rounded()?,
                    cache_write_input_tokens: cells.rounded()?,
                    cost_nano_usd: cells.optional_count()?,
                };
                let unpriced = cells.count()?.unsigned_abs();
                groups.add(bucket, key, &Totals { tokens, unpriced, ..Totals::default() });
            }
            check(groups.all.len(), groups.bytes)
        })
    }
}

/// The SQL of a query, with all of its bound values.
struct Sql {
    text: String,
    values: Values,
}

impl Sql {
    fn statement_of(self, kinds: Vec<CellKind>) -> aibridge_store_core::query::Statement {
        self.values.statement(self.text, kinds)
    }
}

/// The group columns of the select list, and their types.
fn group_columns(dialect: Dialect, query: &TotalsQuery, part: &Segment) -> (Vec<String>, Vec<CellKind>) {
    let mut columns = Vec::new();
    let mut kinds = Vec::new();
    if let Some(interval) = query.interval {
        let (epoch, width) = (dialect.epoch("i.started_at"), interval.seconds());
        columns.push(format!("({epoch} + {}) / {width}", part.offset));
        kinds.push(CellKind::Count);
    }
    columns.extend(query.by.iter().map(|key| key.sql()));
    kinds.extend(query.by.iter().map(|_| CellKind::Text));
    (columns, kinds)
}

fn grouped(columns: &[String], sums: &str, from: &str, conditions: &str) -> String {
    let mut list = columns.join(", ");
    if !list.is_empty() {
        list.push_str(", ");
    }
    let numbers: Vec<String> = (1..=columns.len()).map(|number| number.to_string()).collect();
    let by = if numbers.is_empty() { String::new() } else { format!(" GROUP BY {}", numbers.join(", ")) };
    format!("SELECT {list}{sums} FROM {from} WHERE {conditions}{by}")
}

fn requests_sql(
    dialect: Dialect,
    query: &TotalsQuery,
    part: &Segment,
    filter: &Filter,
    range: (Uuid, Uuid),
) -> (Sql, Vec<CellKind>) {
    let (columns, mut kinds) = group_columns(dialect, query, part);
    let mut values = Values::default();
    let conditions = conditions(filter, range, "i", &mut values);
    let is = |outcome: &str| dialect.total(&format!("CASE WHEN i.outcome = '{outcome}' THEN 1 ELSE 0 END"));
    let sums = format!(
        "{}, {}, {}, {}, {}",
        dialect.count("*"),
        is("failed"),
        is("cancelled"),
        dialect.count("i.ended_at"),
        dialect.sum_millis("i.started_at", "i.ended_at"),
    );
    let text = grouped(&columns, &sums, "aibridge_interceptions i", &conditions);
    kinds.extend([CellKind::Count, CellKind::Float, CellKind::Float, CellKind::Count, CellKind::Float]);
    (Sql { text, values }, kinds)
}

fn usages_sql(
    dialect: Dialect,
    query: &TotalsQuery,
    part: &Segment,
    filter: &Filter,
    range: (Uuid, Uuid),
) -> (Sql, Vec<CellKind>) {
    let (columns, mut kinds) = group_columns(dialect, query, part);
    let mut values = Values::default();
    let conditions = conditions(filter, range, "i", &mut values);
    let tokens = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"];
    let tokens = tokens.map(|column| dialect.total(&format!("u.{column}"))).join(", ");
    let sums = format!("{tokens}, {}, {}", dialect.cost_sum(), dialect.unpriced_count());
    let from = "aibridge_interceptions i JOIN aibridge_token_usages u ON u.interception_id = i.id";
    let text = grouped(&columns, &sums, from, &conditions);
    kinds.extend([CellKind::Float; 4]);
    kinds.extend([CellKind::Count; 2]);
    (Sql { text, values }, kinds)
}

fn group(cells: &mut Cells, query: &TotalsQuery) -> Result<(Option<i64>, Vec<String>), StoreError> {
    let bucket = query.interval.map(|_| cells.count()).transpose()?;
    let key = query.by.iter().map(|_| cells.text()).collect::<Result<_, _>>()?;
    Ok((bucket, key))
}
