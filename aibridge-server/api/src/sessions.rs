use crate::paging::{List, Paging};
use crate::parameters::{FilterParameters, PageParameters};
use crate::reader::{ReadError, Reader};
use crate::schema::{Refusals, SessionPage};
use aibridge_intercept::Error;
use aibridge_store::{Order, Sessions};
use bytes::Bytes;

/// Sessions of clients with what they add up to, the latest begun first.
///
/// Where a session began does not change while it goes on, so that pages neither repeat nor miss one.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    operation_id = "list_sessions",
    tag = "records",
    params(FilterParameters, PageParameters),
    responses((status = 200, description = "A page", body = SessionPage), Refusals),
)]
pub(crate) async fn list(reader: &Reader, query: Option<&str>) -> Result<Bytes, Error> {
    let paging = Paging::of(List::Sessions, query)?;
    let groups = reader.groups();
    reader
        .read(move |records| {
            let mut sessions = Sessions::default();
            records.summaries(&paging.filter, Order::OldestFirst, |row| {
                sessions.add(&row);
                if sessions.len() > groups { Err(ReadError::TooBroad(groups)) } else { Ok(true) }
            })?;
            let rows = sessions.begun_before(paging.before, paging.limit + 1);
            Ok(paging.page(rows, |row| row.first_id))
        })
        .await
}
