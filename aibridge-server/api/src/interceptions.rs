use crate::error::ApiError;
use crate::paging::{List, Paging};
use crate::parameters::{FilterParameters, PageParameters, Sent, invalid};
use crate::reader::{ReadError, Reader};
use crate::schema::{FullInterception, InterceptionPage, NotFound, Refusals};
use aibridge_store::{Filter, Order};
use bytes::Bytes;
use uuid::Uuid;

/// Interceptions with what they cost, the latest first.
///
/// Pages neither repeat nor miss what was there when the first was read.
#[utoipa::path(
    get,
    path = "/api/v1/interceptions",
    operation_id = "list_interceptions",
    tag = "records",
    params(FilterParameters, PageParameters),
    responses((status = 200, description = "A page", body = InterceptionPage), Refusals),
)]
pub(crate) async fn list(reader: &Reader, query: Option<&str>) -> Result<Bytes, ApiError> {
    let paging = Paging::of(List::Interceptions, query)?;
    reader
        .read(move |records| {
            let filter = Filter { before: paging.before, ..paging.filter.clone() };
            let mut rows = Vec::new();
            records.summaries(&filter, Order::NewestFirst, |row| {
                rows.push(row);
                Ok::<_, ReadError>(rows.len() <= paging.limit)
            })?;
            Ok(paging.page(rows, |row| row.interception.id))
        })
        .await
}

/// Everything recorded about one interception.
#[utoipa::path(
    get,
    path = "/api/v1/interceptions/{id}",
    operation_id = "show_interception",
    tag = "records",
    params((
        "id" = Uuid,
        Path,
        description = "As the list and the header `X-AIBridge-Interception-Id` show it.",
    )),
    responses((status = 200, description = "The interception", body = FullInterception), NotFound, Refusals),
)]
pub(crate) async fn show(reader: &Reader, id: &str, query: Option<&str>) -> Result<Bytes, ApiError> {
    Sent::new(query).finish()?;
    let id: Uuid = id.parse().map_err(|_| invalid("id", "write the id of an interception, a UUID"))?;
    reader.read(move |records| records.find(id)?.ok_or(ReadError::Unknown(id))).await
}
