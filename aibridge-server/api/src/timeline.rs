//! `/api/v1/sessions/{id}/timeline` and `/search`: the interceptions of a session with their items.

use crate::error::ApiError;
use crate::own_records::{OnlyUser, session_of};
use crate::reader::Reader;
use aibridge_api_parameters::{QueryParameters, SearchParameters, TimelineParameters, invalid};
use aibridge_api_schema::{MatchList, NotFound, Refusals, TimelinePage};
use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

/// The number of interceptions in a page if the request has no `limit`.
const DEFAULT_LIMIT: usize = 50;

/// The most items of each kind that a search finds.
const MAX_MATCHES: usize = 1000;

#[derive(Serialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// Lists the interceptions of a session, oldest first, with the beginnings of their prompts, reasoning and tool calls.
///
/// The id is that of any interception of the session.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/timeline",
    operation_id = "session_timeline",
    tag = "records",
    params(("id" = Uuid, Path, description = "The id of an interception of the session."), TimelineParameters),
    responses((status = 200, description = "A page of interceptions", body = TimelinePage), NotFound, Refusals),
)]
pub(crate) async fn list(
    reader: &Reader,
    id: &str,
    query: Option<&str>,
    only: OnlyUser,
) -> Result<Bytes, ApiError> {
    let mut parameters = QueryParameters::new(query);
    let TimelineParameters { limit, cursor } = parameters.take()?;
    parameters.finish()?;
    let id = session_id(id)?;
    let after = cursor.map(|text| text.parse::<Uuid>()).transpose();
    let after = after.map_err(|_| {
        invalid("cursor", "write the next_cursor of the page before, or leave it out for the first page")
    })?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    reader
        .read(move |records| {
            let session = session_of(records, id, &only, id)?;
            let mut data = records.timeline(&session, after, limit + 1)?;
            let has_next = data.len() > limit;
            data.truncate(limit);
            let last = data.last().filter(|_| has_next).map(|step| step.summary.interception.id.to_string());
            Ok(Page { data, next_cursor: last })
        })
        .await
}

/// Finds the prompts, reasoning and tool calls of a session that contain a text, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/search",
    operation_id = "search_session",
    tag = "records",
    params(("id" = Uuid, Path, description = "The id of an interception of the session."), SearchParameters),
    responses((status = 200, description = "The items with matches", body = MatchList), NotFound, Refusals),
)]
pub(crate) async fn search(
    reader: &Reader,
    id: &str,
    query: Option<&str>,
    only: OnlyUser,
) -> Result<Bytes, ApiError> {
    let mut parameters = QueryParameters::new(query);
    let SearchParameters { text } = parameters.take()?;
    parameters.finish()?;
    let id = session_id(id)?;
    reader
        .read(move |records| {
            let session = session_of(records, id, &only, id)?;
            let data = match text.as_deref() {
                None | Some("") => Vec::new(),
                Some(text) => records.search(&session, text, MAX_MATCHES)?,
            };
            Ok(Page { data, next_cursor: None })
        })
        .await
}

pub(crate) fn session_id(text: &str) -> Result<Uuid, ApiError> {
    let problem = "write the id of an interception of the session, a UUID";
    text.parse().map_err(|_| invalid("id", problem).into())
}
