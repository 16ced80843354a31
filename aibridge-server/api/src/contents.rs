//! `/api/v1/interceptions/{id}/{kind}/{item}`: the text of one prompt, tool call or piece of reasoning.

use crate::call::Reply;
use crate::endpoint::ContentPath;
use crate::error::ApiError;
use crate::own_records::{OnlyUser, session_of};
use crate::reader::{ReadError, Reader};
use aibridge_api_parameters::{ContentParameters, QueryParameters, invalid};
use aibridge_api_schema::{Content, NotFound, Refusals};
use aibridge_store::ContentKind;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use uuid::Uuid;

/// The most bytes of a text that a JSON response contains.
const MAX_BYTES: usize = 64 << 10;

/// Returns the text of a prompt, of the input of a tool call, or of a piece of reasoning, at most 64 KiB of it.
///
/// With `download`, the response is the whole text as a file.
#[utoipa::path(
    get,
    path = "/api/v1/interceptions/{id}/{kind}/{item}",
    operation_id = "show_content",
    tag = "records",
    params(
        ("id" = Uuid, Path, description = "The id of the interception."),
        ("kind" = String, Path, description = "One of `prompts`, `tool_calls` and `reasoning`."),
        ("item" = Uuid, Path, description = "The id of the prompt, the tool call or the piece of reasoning."),
        ContentParameters,
    ),
    responses((status = 200, description = "The text", body = Content), NotFound, Refusals),
)]
pub(crate) async fn show(
    reader: &Reader,
    path: &ContentPath,
    query: Option<&str>,
    only: OnlyUser,
) -> Result<Reply, ApiError> {
    let mut parameters = QueryParameters::new(query);
    let ContentParameters { download } = parameters.take()?;
    parameters.finish()?;
    let id = |name: &str, text: &str| text.parse::<Uuid>().map_err(|_| invalid(name, "write a UUID"));
    let (interception, item) = (id("id", &path.interception)?, id("item", &path.item)?);
    let kind = ContentKind::ALL.into_iter().find(|kind| kind.as_str() == path.kind);
    let kind = kind.ok_or_else(|| invalid("kind", "write prompts, tool_calls or reasoning"))?;
    let is_download = download.unwrap_or(false);
    let max_bytes = (!is_download).then_some(MAX_BYTES);
    let content = reader
        .fetch(move |records| {
            session_of(records, interception, &only, item)?;
            records.content(interception, kind, item, max_bytes)?.ok_or(ReadError::Unknown(item))
        })
        .await?;
    if !is_download {
        return Reply::of(StatusCode::OK, &content);
    }
    let name = format!("attachment; filename=\"{}-{item}.txt\"", kind.as_str());
    let name = HeaderValue::try_from(name).map_err(|_| ApiError::Internal)?;
    let headers = vec![
        (header::CONTENT_DISPOSITION, name),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let body = Bytes::from(content.text);
    Ok(Reply { status: StatusCode::OK, content_type: "text/plain; charset=utf-8", headers, body })
}
