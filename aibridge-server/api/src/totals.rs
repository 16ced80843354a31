//! `/api/v1/totals`: sums by hour or day and by key.

use crate::error::ApiError;
use crate::own_records::{OnlyUser, filter};
use crate::reader::{ReadError, Reader};
use aibridge_api_parameters::{FilterParameters, QueryParameters, TotalsParameters, UserParameter};
use aibridge_api_schema::{Refusals, TotalsList, TotalsRow};
use aibridge_store::{Totals, TotalsKey, TotalsQuery};
use bytes::Bytes;
use jiff::tz::TimeZone;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Adds up requests, tokens and cost by hour or day and by key.
///
/// The response is not paged. With `top`, the groups with the fewest requests are added up in rows with `is_rest`.
#[utoipa::path(
    get,
    path = "/api/v1/totals",
    operation_id = "totals",
    tag = "records",
    params(UserParameter, FilterParameters, TotalsParameters),
    responses((status = 200, description = "One row for each group", body = TotalsList), Refusals),
)]
pub(crate) async fn totals(
    reader: &Reader,
    query: Option<&str>,
    only: OnlyUser,
    default_zone: &TimeZone,
) -> Result<Bytes, ApiError> {
    let mut parameters = QueryParameters::new(query);
    let filter = filter(&mut parameters, only)?;
    let TotalsParameters { interval, by, time_zone, top } = parameters.take()?;
    parameters.finish()?;
    let zone = time_zone.unwrap_or_else(|| default_zone.clone());
    let time_zone = zone.iana_name().unwrap_or("UTC").to_owned();
    let query = TotalsQuery { filter, by: by.unwrap_or_default(), interval: interval.map(Into::into), zone };
    let limit = reader.sums_limit();
    reader
        .read(move |records| {
            let rows = records.totals(&query, |groups, bytes| limit.check(groups, bytes))?;
            let rows = match top {
                Some(top) => fold(rows, top),
                None => rows.into_iter().map(|row| (row, false)).collect(),
            };
            let row = |(row, is_rest)| to_row(&query.by, row, is_rest);
            let data = rows.into_iter().map(row).collect();
            Ok::<_, ReadError>(TotalsList { data, next_cursor: None, time_zone })
        })
        .await
}

/// Keeps the `top` keys with the most requests, and adds up the others for each time. The second value of a row is
/// `true` if it is such a sum.
fn fold(rows: Vec<aibridge_store::TotalsRow>, top: usize) -> Vec<(aibridge_store::TotalsRow, bool)> {
    let mut requests = HashMap::<&Vec<String>, u64>::new();
    for row in &rows {
        *requests.entry(&row.key).or_default() += row.totals.requests;
    }
    let mut keys: Vec<_> = requests.into_iter().collect();
    keys.sort_by_key(|(key, requests)| (Reverse(*requests), *key));
    let kept: HashSet<Vec<String>> = keys.iter().take(top).map(|(key, _)| (*key).clone()).collect();
    let (mut all, mut rest) = (Vec::new(), BTreeMap::<_, Totals>::new());
    for row in rows {
        if kept.contains(&row.key) {
            all.push((row, false));
        } else {
            rest.entry(row.at).or_default().add(&row.totals);
        }
    }
    let sum = |(at, totals)| (aibridge_store::TotalsRow { at, key: Vec::new(), totals }, true);
    all.extend(rest.into_iter().map(sum));
    all
}

fn to_row(by: &[TotalsKey], row: aibridge_store::TotalsRow, is_rest: bool) -> TotalsRow {
    let mut key: BTreeMap<&str, String> = by.iter().map(|key| key.as_str()).zip(row.key).collect();
    let Totals { requests, failed, cancelled, ended, duration_ms, tokens, unpriced } = row.totals;
    TotalsRow {
        at: row.at,
        user: key.remove("user"),
        model: key.remove("model"),
        provider: key.remove("provider"),
        client: key.remove("client"),
        outcome: key.remove("outcome"),
        error_type: key.remove("error_type"),
        is_rest,
        requests,
        failed,
        cancelled,
        ended,
        duration_ms,
        input_tokens: tokens.input_tokens,
        output_tokens: tokens.output_tokens,
        cache_read_input_tokens: tokens.cache_read_input_tokens,
        cache_write_input_tokens: tokens.cache_write_input_tokens,
        cost_nano_usd: tokens.cost_nano_usd,
        unpriced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_groups_are_added_up() {
        let row = |key: &str, requests| aibridge_store::TotalsRow {
            at: None,
            key: vec![key.to_owned()],
            totals: Totals { requests, ..Totals::default() },
        };
        let folded = fold(vec![row("a", 1), row("b", 7), row("c", 3), row("d", 1)], 2);
        let shown: Vec<_> = folded
            .iter()
            .map(|(row, is_rest)| (row.key.first().map(String::as_str), row.totals.requests, *is_rest))
            .collect();
        assert_eq!(shown, [(Some("b"), 7, false), (Some("c"), 3, false), (None, 2, true)]);
    }
}
