//! The parts of a query that stored sums answer, see `sqlite_rollup` of `aibridge-sqlite` and
//! `postgres_rollup` of `aibridge-postgres`, and the parts that need the interceptions.

use crate::records::Records;
use crate::time_segments::Segment;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Dialect, Filter, PERIOD_SECONDS, ROLLUP_TRIGGERS, Value, Values};
use jiff::Timestamp;

/// Number of stale periods beyond which a query reads the interceptions instead.
const MAX_STALE: usize = 400;

/// The periods that are summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rolled {
    /// The end of the summed up periods.
    until: i64,
    /// The periods with outdated stored sums, ordered.
    stale: Vec<i64>,
}

/// The periods whose stored sums cover a part of a query, end exclusive.
pub(crate) struct RolledPart {
    pub(crate) first: i64,
    pub(crate) end: i64,
    pub(crate) stale: Vec<i64>,
}

impl Records {
    /// The periods that are summed up; `None` if the query needs the interceptions.
    pub(crate) fn rolled(&self, filter: &Filter) -> Result<Option<Rolled>, StoreError> {
        if filter.session.is_some() || filter.before.is_some() || !self.is_rolled()? {
            return Ok(None);
        }
        // `until` is read first: a later value could cover periods that the list of stale ones lacks.
        let sql = "SELECT until FROM aibridge_totals_state".to_owned();
        let found = self.select(&Values::default().statement(sql, [CellKind::Count]))?.into_iter().next();
        let Some(until) = found.map(|mut cells| cells.count()).transpose()? else { return Ok(None) };
        let sql = "SELECT period FROM aibridge_totals_stale ORDER BY period".to_owned();
        let found = self.select(&Values::default().statement(sql, [CellKind::Count]))?;
        let stale = found.into_iter().map(|mut cells| cells.count()).collect::<Result<_, _>>()?;
        Ok(Some(Rolled { until, stale }))
    }

    /// Whether sums are stored, and all triggers are there that keep them exact.
    fn is_rolled(&self) -> Result<bool, StoreError> {
        let mut values = Values::default();
        let names = values.bind_all(ROLLUP_TRIGGERS.map(|name| Value::Text(name.to_owned())));
        let count = self.dialect().count("*");
        let sql = match self.dialect() {
            Dialect::Sqlite => {
                format!("SELECT {count} FROM sqlite_schema WHERE type = 'trigger' AND name IN ({names})")
            }
            Dialect::Postgres => format!(
                "SELECT {count} FROM pg_trigger WHERE tgname::text IN ({names}) AND tgenabled = 'O' AND tgrelid IN \
                 (to_regclass('aibridge_interceptions'), to_regclass('aibridge_token_usages'))"
            ),
        };
        let found = self.select(&values.statement(sql, [CellKind::Count]))?.into_iter().next();
        let found = found.map(|mut cells| cells.count()).transpose()?.unwrap_or(0);
        Ok(usize::try_from(found).is_ok_and(|found| found == ROLLUP_TRIGGERS.len()))
    }
}

impl Rolled {
    /// Splits a segment into a part that stored sums cover, and parts that need the interceptions.
    pub(crate) fn split(&self, part: &Segment) -> (Option<RolledPart>, Vec<Segment>) {
        let seconds = |at: Timestamp| at.as_second() + i64::from(at.subsec_nanosecond() > 0);
        let first =
            part.since.map_or(0, |since| (seconds(since) + PERIOD_SECONDS - 1).div_euclid(PERIOD_SECONDS));
        let end =
            part.until.map_or(i64::MAX, |until| until.as_second().div_euclid(PERIOD_SECONDS)).min(self.until);
        let stale = within(&self.stale, first, end);
        if first >= end || stale.len() > MAX_STALE {
            return (None, vec![part.clone()]);
        }
        let mut raw = Vec::new();
        let mut add = |since: Option<Timestamp>, until: Option<Timestamp>| {
            if since.is_none() || until.is_none() || since < until {
                raw.push(Segment { since, until, offset: part.offset });
            }
        };
        if part.since.is_some() {
            add(part.since, Some(start(first)));
        }
        // Consecutive stale periods are one part.
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for period in &stale {
            match runs.last_mut() {
                Some((_, end)) if *end == *period => *end += 1,
                _ => runs.push((*period, period + 1)),
            }
        }
        runs.into_iter().for_each(|(first, end)| add(Some(start(first)), Some(start(end))));
        add(Some(start(end)), part.until);
        (Some(RolledPart { first, end, stale }), raw)
    }
}

impl RolledPart {
    /// The part of these periods from `first` to `end`.
    pub(crate) fn within(&self, first: i64, end: i64) -> Self {
        Self { first, end, stale: within(&self.stale, first, end) }
    }

    /// The conditions of `filter` on the stored sums `i`, for these periods.
    pub(crate) fn conditions(&self, filter: &Filter, values: &mut Values) -> String {
        let first = values.bind(Value::Count(self.first));
        let end = values.bind(Value::Count(self.end));
        let mut sql = format!("i.period >= {first} AND i.period < {end}");
        let Filter { user, model, provider, client, outcome, .. } = filter;
        let texts = [
            ("initiator_id", user),
            ("model", model),
            ("provider_name", provider),
            ("client", client),
            ("outcome", outcome),
        ];
        for (column, value) in texts {
            if let Some(value) = value {
                sql.push_str(&format!(" AND i.{column} = {}", values.bind(Value::Text(value.clone()))));
            }
        }
        if !self.stale.is_empty() {
            let stale = values.bind_all(self.stale.iter().map(|period| Value::Count(*period)));
            sql.push_str(&format!(" AND i.period NOT IN ({stale})"));
        }
        sql
    }
}

/// The periods from `first` to `end`, end exclusive.
fn within(periods: &[i64], first: i64, end: i64) -> Vec<i64> {
    periods.iter().copied().filter(|period| (first..end).contains(period)).collect()
}

fn start(period: i64) -> Timestamp {
    Timestamp::from_second(period.saturating_mul(PERIOD_SECONDS)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_split_at_the_summed_up_periods() {
        let at = |second: i64| Some(Timestamp::from_second(second).expect("a time"));
        let rolled = Rolled { until: 100, stale: vec![3, 4, 9, 99] };
        let segment = |since, until| Segment { since, until, offset: 0 };
        let (part, raw) = rolled.split(&segment(at(950), at(20 * 900 + 1)));
        let part = part.expect("a part");
        assert_eq!((part.first, part.end, part.stale), (2, 20, vec![3, 4, 9]));
        let expected = [(950, 1800), (2700, 4500), (8100, 9000), (18_000, 18_001)];
        assert_eq!(raw, expected.map(|(since, until)| segment(at(since), at(until))));

        let (part, raw) = rolled.split(&segment(None, None));
        assert_eq!(part.map(|part| (part.first, part.end)), Some((0, 100)));
        assert_eq!(raw.last(), Some(&segment(at(90_000), None)));
        let (part, raw) = rolled.split(&segment(at(90_000), None));
        assert!(part.is_none() && raw == [segment(at(90_000), None)]);
    }
}
