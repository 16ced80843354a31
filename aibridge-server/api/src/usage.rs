use crate::error::ApiError;
use crate::paging::Page;
use crate::parameters::{FilterParameters, Sent, UsageParameters};
use crate::reader::{ReadError, Reader};
use crate::schema::{Refusals, UsageList};
use aibridge_store::{Filter, Order, Usage, UsageKey};
use bytes::Bytes;

/// What was used, added up.
///
/// All rows come at once, in the order of their keys.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    operation_id = "usage",
    tag = "records",
    params(FilterParameters, UsageParameters),
    responses((status = 200, description = "One row for each combination", body = UsageList), Refusals),
)]
pub(crate) async fn usage(reader: &Reader, query: Option<&str>) -> Result<Bytes, ApiError> {
    let mut sent = Sent::new(query);
    let filter = Filter::from(sent.take::<FilterParameters>()?);
    let UsageParameters { by } = sent.take()?;
    sent.finish()?;
    let mut usage = Usage::by(&by.unwrap_or_else(|| vec![UsageKey::User, UsageKey::Model]));
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
