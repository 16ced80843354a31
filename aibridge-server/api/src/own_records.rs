//! Users may read only their own records. This file contains that rule, and the descriptions of the endpoints below
//! `/api/v1/me/`, for which the access token of any user suffices. The functions that serve all records serve them, too.

use crate::call::Call;
use crate::endpoint::Scope;
use crate::error::ApiError;
use crate::reader::ReadError;
use aibridge_api_parameters::{
    ContentParameters, FilterParameters, LiveParameters, PageParameters, QueryParameters, SearchParameters,
    SessionParameters, TimelineParameters, TotalsParameters, UserParameter, invalid,
};
use aibridge_api_schema::{
    Content, FullInterception, InterceptionPage, LivePage, MatchList, NotFound, Refusals, SessionDetail,
    SessionPage, TimelinePage, TotalsList,
};
use aibridge_store::{Filter, Records, SessionRef};
use uuid::Uuid;

/// The user whose records a call may read; `None` for all.
pub(crate) type OnlyUser = Option<String>;

impl Call<'_> {
    /// The user whose records a call with `scope` may read.
    pub(crate) fn only_user(&self, scope: Scope) -> OnlyUser {
        (scope == Scope::Own).then(|| self.caller.user.clone())
    }
}

/// Takes the filters of a request. If it may read the records of one user only, there is no parameter `user`.
///
/// # Errors
///
/// [`ApiError::InvalidParameter`] if one is repeated or malformed, or if the period is empty.
pub(crate) fn filter(parameters: &mut QueryParameters, only: OnlyUser) -> Result<Filter, ApiError> {
    let user = match only {
        None => parameters.take::<UserParameter>()?.user,
        user => user,
    };
    let filter = Filter { user, ..parameters.take::<FilterParameters>()?.into() };
    match (filter.since, filter.until) {
        (Some(since), Some(until)) if until <= since => {
            Err(invalid("until", &format!("it is not after since ({since:.0}): write a later time")).into())
        }
        _ => Ok(filter),
    }
}

/// Finds the session of the interception `id`. An interception of another user than `only` is unknown.
///
/// # Errors
///
/// [`ReadError::Unknown`] for `unknown`, the id that the client named, and the errors of the store.
pub(crate) fn session_of(
    records: &Records,
    id: Uuid,
    only: &OnlyUser,
    unknown: Uuid,
) -> Result<SessionRef, ReadError> {
    records.session_of(id, only.as_deref())?.ok_or(ReadError::Unknown(unknown))
}

/// Lists the caller's own interceptions with their token counts, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/me/interceptions",
    operation_id = "list_own_interceptions",
    tag = "own records",
    params(FilterParameters, PageParameters),
    responses((status = 200, description = "A page of interceptions", body = InterceptionPage), Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn interceptions() {}

/// Returns one of the caller's own interceptions with all its records.
#[utoipa::path(
    get,
    path = "/api/v1/me/interceptions/{id}",
    operation_id = "show_own_interception",
    tag = "own records",
    params(("id" = Uuid, Path, description = "The id of the interception.")),
    responses((status = 200, description = "The interception", body = FullInterception), NotFound, Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn interception() {}

/// Returns the text of a prompt, a tool call or a piece of reasoning of the caller's own.
#[utoipa::path(
    get,
    path = "/api/v1/me/interceptions/{id}/{kind}/{item}",
    operation_id = "show_own_content",
    tag = "own records",
    params(
        ("id" = Uuid, Path, description = "The id of the interception."),
        ("kind" = String, Path, description = "One of `prompts`, `tool_calls` and `reasoning`."),
        ("item" = Uuid, Path, description = "The id of the prompt, the tool call or the piece of reasoning."),
        ContentParameters,
    ),
    responses((status = 200, description = "The text", body = Content), NotFound, Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn content() {}

/// Adds up the caller's own requests, tokens and cost.
#[utoipa::path(
    get,
    path = "/api/v1/me/totals",
    operation_id = "own_totals",
    tag = "own records",
    params(FilterParameters, TotalsParameters),
    responses((status = 200, description = "One row for each group", body = TotalsList), Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn totals() {}

/// Lists the caller's own sessions, the latest start first.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions",
    operation_id = "list_own_sessions",
    tag = "own records",
    params(FilterParameters, PageParameters, SessionParameters),
    responses((status = 200, description = "A page of sessions", body = SessionPage), Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn sessions() {}

/// Returns one of the caller's own sessions.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions/{id}",
    operation_id = "show_own_session",
    tag = "own records",
    params(("id" = Uuid, Path, description = "The id of an interception of the session.")),
    responses((status = 200, description = "The session", body = SessionDetail), NotFound, Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn session() {}

/// Lists the interceptions of one of the caller's own sessions.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions/{id}/timeline",
    operation_id = "own_session_timeline",
    tag = "own records",
    params(("id" = Uuid, Path, description = "The id of an interception of the session."), TimelineParameters),
    responses((status = 200, description = "A page of interceptions", body = TimelinePage), NotFound, Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn timeline() {}

/// Finds the items of one of the caller's own sessions that contain a text.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions/{id}/search",
    operation_id = "search_own_session",
    tag = "own records",
    params(("id" = Uuid, Path, description = "The id of an interception of the session."), SearchParameters),
    responses((status = 200, description = "The items with matches", body = MatchList), NotFound, Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn search() {}

/// Waits until the caller's own interceptions start or end.
#[utoipa::path(
    get,
    path = "/api/v1/me/live",
    operation_id = "own_live",
    tag = "own records",
    params(FilterParameters, LiveParameters),
    responses((status = 200, description = "The interceptions that changed", body = LivePage), Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn live() {}
