//! `/api/v1/usage`: token usage, added up by group.

use crate::error::ApiError;
use crate::own_records::filter;
use crate::paging::Page;
use crate::reader::{ReadError, Reader};
use aibridge_api_parameters::{FilterParameters, QueryParameters, UsageParameters, UserParameter};
use aibridge_api_schema::{Refusals, UsageList};
use aibridge_store::{Order, Usage, UsageKey};
use bytes::Bytes;
use jiff::tz::TimeZone;

/// Adds up requests and tokens by group.
///
/// The response is not paged: it holds all groups, ordered by their values.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    operation_id = "usage",
    tag = "records",
    params(UserParameter, FilterParameters, UsageParameters),
    responses((status = 200, description = "One row for each group", body = UsageList), Refusals),
)]
pub(crate) async fn usage(reader: &Reader, query: Option<&str>, zone: &TimeZone) -> Result<Bytes, ApiError> {
    let mut parameters = QueryParameters::new(query);
    let filter = filter(&mut parameters, None)?;
    let UsageParameters { by } = parameters.take()?;
    parameters.finish()?;
    let mut usage = Usage::by(&by.unwrap_or_else(|| vec![UsageKey::User, UsageKey::Model]), zone.clone());
    let limit = reader.sums_limit();
    reader
        .read(move |records| {
            records.summaries(&filter, Order::OldestFirst, |row| {
                usage.add(&row);
                limit.check(usage.len(), usage.bytes())?;
                Ok::<_, ReadError>(true)
            })?;
            Ok(Page::whole(usage.rows()))
        })
        .await
}
