//! `/api/v1/sessions`: the list of client sessions.

use crate::error::ApiError;
use crate::paging::{List, PageRequest};
use crate::parameters::{FilterParameters, PageParameters};
use crate::reader::{ReadError, Reader};
use crate::schema::{Refusals, SessionPage};
use aibridge_store::{Order, Sessions};
use bytes::Bytes;

/// Lists client sessions with their sums, the latest start first.
///
/// The start of a session never changes, so no session is repeated or missing between two pages.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    operation_id = "list_sessions",
    tag = "records",
    params(FilterParameters, PageParameters),
    responses((status = 200, description = "A page of sessions", body = SessionPage), Refusals),
)]
pub(crate) async fn list(reader: &Reader, query: Option<&str>) -> Result<Bytes, ApiError> {
    let paging = PageRequest::parse(List::Sessions, query)?;
    let limit = reader.sums_limit();
    reader
        .read(move |records| {
            let mut sessions = Sessions::default();
            records.summaries(&paging.filter, Order::OldestFirst, |row| {
                sessions.add(&row);
                limit.check(sessions.len(), sessions.bytes())?;
                Ok::<_, ReadError>(true)
            })?;
            let rows = sessions.begun_before(paging.before, paging.limit + 1);
            Ok(paging.page(rows, |row| row.first_id))
        })
        .await
}
