//! `/api/v1/facets`: the values that filters can have.

use crate::error::ApiError;
use crate::own_records::{OnlyUser, filter};
use crate::reader::{ReadError, Reader};
use aibridge_api_parameters::{FilterParameters, QueryParameters, UserParameter};
use aibridge_api_schema::{FacetList, FacetValue, Refusals};
use aibridge_store::{TotalsKey, TotalsQuery};
use bytes::Bytes;
use jiff::tz::TimeZone;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The most values of one filter.
const MAX_VALUES: usize = 200;

/// Lists the users, models, providers and clients of the interceptions, the most frequent first, at most 200 of each.
#[utoipa::path(
    get,
    path = "/api/v1/facets",
    operation_id = "list_facets",
    tag = "records",
    params(UserParameter, FilterParameters),
    responses((status = 200, description = "The values of each filter", body = FacetList), Refusals),
)]
pub(crate) async fn list(reader: &Reader, query: Option<&str>, only: OnlyUser) -> Result<Bytes, ApiError> {
    let mut parameters = QueryParameters::new(query);
    let filter = filter(&mut parameters, only)?;
    parameters.finish()?;
    let by = vec![TotalsKey::User, TotalsKey::Model, TotalsKey::Provider, TotalsKey::Client];
    let query = TotalsQuery { filter, by, interval: None, zone: TimeZone::UTC };
    let limit = reader.sums_limit();
    reader
        .read(move |records| {
            let rows = records.totals(&query, |groups, bytes| limit.check(groups, bytes))?;
            let values = |index: usize| {
                let mut requests = HashMap::<&str, u64>::new();
                for row in &rows {
                    *requests.entry(&row.key[index]).or_default() += row.totals.requests;
                }
                let mut all: Vec<_> = requests.into_iter().collect();
                all.sort_by_key(|(value, requests)| (Reverse(*requests), *value));
                let value = |(value, requests): (&str, u64)| FacetValue { value: value.to_owned(), requests };
                all.into_iter().take(MAX_VALUES).map(value).collect::<Vec<_>>()
            };
            Ok::<_, ReadError>(FacetList {
                user: values(0),
                model: values(1),
                provider: values(2),
                client: values(3),
            })
        })
        .await
}
