//! A filter as SQL: only the conditions that are set.

use aibridge_store_core::query::Filter;
use aibridge_store_core::query::{Value, Values};
use uuid::Uuid;

/// The conditions of `filter` on the interceptions with the table alias `alias`, and a range of ids, both inclusive.
/// `filter.before` is not among them: it bounds the range.
pub(crate) fn conditions(
    filter: &Filter,
    (low, high): (Uuid, Uuid),
    alias: &str,
    values: &mut Values,
) -> String {
    let mut sql = format!(
        "{alias}.id >= {} AND {alias}.id <= {}",
        values.bind(Value::Id(low)),
        values.bind(Value::Id(high))
    );
    let Filter { user, model, provider, client, session, outcome, since, until, before: _ } = filter;
    let texts = [
        ("initiator_id", user),
        ("model", model),
        ("provider_name", provider),
        ("client", client),
        ("client_session_id", session),
    ];
    for (column, value) in texts {
        if let Some(value) = value {
            sql.push_str(&format!(" AND {alias}.{column} = {}", values.bind(Value::Text(value.clone()))));
        }
    }
    if let Some(outcome) = outcome {
        let value = values.bind(Value::Text(outcome.clone()));
        sql.push_str(&format!(" AND coalesce({alias}.outcome, 'open') = {value}"));
    }
    for (operator, time) in [(">=", since), ("<", until)] {
        if let Some(time) = time {
            sql.push_str(&format!(" AND {alias}.started_at {operator} {}", values.bind(Value::Time(*time))));
        }
    }
    sql
}
