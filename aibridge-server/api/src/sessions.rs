//! `/api/v1/sessions`: the list of client sessions, and one session.

use crate::error::ApiError;
use crate::own_records::{OnlyUser, session_of};
use crate::paging::{List, PageRequest};
use crate::reader::{ReadError, Reader};
use crate::timeline::session_id;
use aibridge_api_parameters::{
    FilterParameters, PageParameters, QueryParameters, SessionParameters, UserParameter,
};
use aibridge_api_schema::{NotFound, Refusals, SessionDetail, SessionPage};
use aibridge_store::{Filter, SessionRow};
use bytes::Bytes;
use serde::Serialize;

/// The most characters of a prompt in a list.
const PROMPT_CHARS: usize = 300;

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    session: SessionRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_prompt: Option<Option<String>>,
}

/// Lists client sessions with their sums, the latest start first.
///
/// The start of a session never changes, so no session is repeated or missing between two pages.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    operation_id = "list_sessions",
    tag = "records",
    params(UserParameter, FilterParameters, PageParameters, SessionParameters),
    responses((status = 200, description = "A page of sessions", body = SessionPage), Refusals),
)]
pub(crate) async fn list(reader: &Reader, query: Option<&str>, only: OnlyUser) -> Result<Bytes, ApiError> {
    let (paging, mut parameters) = PageRequest::begin(List::Sessions, query, only)?;
    let SessionParameters { last_prompt } = parameters.take()?;
    parameters.finish()?;
    let with_prompts = last_prompt.unwrap_or(false);
    reader
        .read(move |records| {
            let filter = Filter { before: paging.before, ..paging.filter.clone() };
            let rows = records.session_page(&filter, paging.limit + 1)?;
            let mut page = paging.page(rows, |row| row.id).map(|session| Row { session, last_prompt: None });
            for row in page.rows_mut().iter_mut().filter(|_| with_prompts) {
                let session = records.session_of(row.session.id, None)?;
                let prompt =
                    session.map(|session| records.last_prompt(&session, PROMPT_CHARS)).transpose()?;
                row.last_prompt = Some(prompt.flatten());
            }
            Ok::<_, ReadError>(page)
        })
        .await
}

/// Returns one session with its sums.
///
/// The id is that of any interception of the session. An interception without a session id is a session of its own.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}",
    operation_id = "show_session",
    tag = "records",
    params(("id" = Uuid, Path, description = "The id of an interception of the session.")),
    responses((status = 200, description = "The session", body = SessionDetail), NotFound, Refusals),
)]
pub(crate) async fn show(
    reader: &Reader,
    id: &str,
    query: Option<&str>,
    only: OnlyUser,
) -> Result<Bytes, ApiError> {
    QueryParameters::new(query).finish()?;
    let id = session_id(id)?;
    reader
        .read(move |records| {
            let session = session_of(records, id, &only, id)?;
            records.session_summary(&session)?.ok_or(ReadError::Unknown(id))
        })
        .await
}
