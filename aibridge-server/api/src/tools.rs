//! `/api/v1/tools`: the most used tools.

use crate::error::ApiError;
use crate::own_records::{OnlyUser, filter};
use crate::paging::Page;
use crate::reader::{ReadError, Reader};
use aibridge_api_parameters::{FilterParameters, LimitParameters, QueryParameters, UserParameter};
use aibridge_api_schema::{Refusals, ToolList};
use bytes::Bytes;

/// The number of rows if the request has no `limit`.
const DEFAULT_LIMIT: usize = 10;

/// Lists the tools that models selected most often.
#[utoipa::path(
    get,
    path = "/api/v1/tools",
    operation_id = "list_tools",
    tag = "records",
    params(UserParameter, FilterParameters, LimitParameters),
    responses((status = 200, description = "The tools, most calls first", body = ToolList), Refusals),
)]
pub(crate) async fn list(reader: &Reader, query: Option<&str>, only: OnlyUser) -> Result<Bytes, ApiError> {
    let mut parameters = QueryParameters::new(query);
    let filter = filter(&mut parameters, only)?;
    let LimitParameters { limit } = parameters.take()?;
    parameters.finish()?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    reader.read(move |records| Ok::<_, ReadError>(Page::whole(records.tools(&filter, limit)?))).await
}
