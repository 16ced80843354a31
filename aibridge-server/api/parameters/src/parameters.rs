//! The query parameters that the endpoints declare.

use crate::values::{
    keys, limit, optional_flag, optional_text, optional_time, search_text, time_zone, timeline_limit,
    totals_keys, wait,
};
use aibridge_store::{Filter, Interval, TotalsKey, UsageKey};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// The filter by actor, of the endpoints that may read the records of every user.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserParameter {
    /// The actor: the user of the access token, or `anonymous`.
    #[serde(default, deserialize_with = "optional_text")]
    pub user: Option<String>,
}

/// The filters. An interception is included if it matches all filters that are present.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterParameters {
    /// The model, as the client spelled it.
    #[serde(default, deserialize_with = "optional_text")]
    model: Option<String>,
    /// The provider's configured name.
    #[serde(default, deserialize_with = "optional_text")]
    provider: Option<String>,
    /// The client program, e.g. `Codex`.
    #[serde(default, deserialize_with = "optional_text")]
    client: Option<String>,
    /// The id that the client gave its session.
    #[serde(default, deserialize_with = "optional_text")]
    session: Option<String>,
    /// The outcome of the interception; `open` if it has not ended.
    outcome: Option<OutcomeParameter>,
    /// Includes interceptions that started at this time or later: RFC 3339, a date (midnight UTC), or a duration before now
    /// (`7d`, `12h`).
    #[serde(default, deserialize_with = "optional_time")]
    #[param(value_type = Option<String>, example = "2026-01-31T12:00:00Z")]
    since: Option<Timestamp>,
    /// Includes interceptions that started before this time, in the same formats as `since`.
    #[serde(default, deserialize_with = "optional_time")]
    #[param(value_type = Option<String>, example = "12h")]
    until: Option<Timestamp>,
}

/// The outcome of an interception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeParameter {
    /// The client received the whole response.
    Completed,
    /// The gateway or the provider failed.
    Failed,
    /// The client disconnected before the end.
    Cancelled,
    /// The interception has not ended.
    Open,
}

/// The page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// The highest number of rows in the page.
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
    /// The `next_cursor` of the page before; the filters have to be the same. Without it, the first page is returned.
    pub cursor: Option<String>,
}

/// The grouping of usage.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageParameters {
    /// The columns to group by, separated by commas: `user`, `model`, `client`, `day` (in the zone of the
    /// settings), `provider`.
    #[serde(default, deserialize_with = "keys")]
    #[param(value_type = Option<String>, default = "user,model", example = "user,day")]
    pub by: Option<Vec<UsageKey>>,
}

/// The grouping of totals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TotalsParameters {
    /// The length of the groups in time; without it, the whole time is one group.
    pub interval: Option<IntervalParameter>,
    /// The keys to group by, separated by commas: `user`, `model`, `provider`, `client`, `outcome`, `error_type`. Without
    /// it, there is one group for each time.
    #[serde(default, deserialize_with = "totals_keys")]
    #[param(value_type = Option<String>, example = "model")]
    pub by: Option<Vec<TotalsKey>>,
    /// The zone in which hours and days begin, a name of the IANA database. Without it, that of the settings.
    #[serde(default, deserialize_with = "time_zone")]
    #[param(value_type = Option<String>, example = "Europe/Berlin")]
    pub time_zone: Option<TimeZone>,
    /// The number of groups with the most requests that have rows of their own. The others are added up in one row for each
    /// time.
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub top: Option<usize>,
}

/// The length of a group in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IntervalParameter {
    /// An hour of the local clock.
    Hour,
    /// A day of the local calendar.
    Day,
}

/// The length of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LimitParameters {
    /// The highest number of rows.
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 10)]
    pub limit: Option<usize>,
}

/// The optional content of a list of sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionParameters {
    /// Whether each session has the beginning of its last prompt.
    #[serde(default, deserialize_with = "optional_flag")]
    #[param(value_type = Option<bool>)]
    pub last_prompt: Option<bool>,
}

/// The page of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimelineParameters {
    /// The highest number of interceptions in the page.
    #[serde(default, deserialize_with = "timeline_limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    pub limit: Option<usize>,
    /// The `next_cursor` of the page before. Without it, the first page is returned.
    pub cursor: Option<String>,
}

/// The text to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchParameters {
    /// The text, at most 200 characters. Case is ignored; on SQLite, that of ASCII letters. Without it, nothing is found.
    #[serde(default, deserialize_with = "search_text")]
    #[param(value_type = Option<String>)]
    pub text: Option<String>,
}

/// The form of a text.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContentParameters {
    /// Whether the response is the whole text as a file.
    #[serde(default, deserialize_with = "optional_flag")]
    #[param(value_type = Option<bool>)]
    pub download: Option<bool>,
}

/// The position and the wait of a call for changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveParameters {
    /// The `after` of the response before. Without it, the response has no changes, only a position.
    pub after: Option<String>,
    /// The longest wait in seconds.
    #[serde(default, deserialize_with = "wait")]
    #[param(value_type = Option<u32>, minimum = 0, maximum = 30, default = 20)]
    pub wait: Option<u64>,
}

impl From<IntervalParameter> for Interval {
    fn from(interval: IntervalParameter) -> Self {
        match interval {
            IntervalParameter::Hour => Self::Hour,
            IntervalParameter::Day => Self::Day,
        }
    }
}

impl From<FilterParameters> for Filter {
    fn from(parameters: FilterParameters) -> Self {
        let FilterParameters { model, provider, client, session, outcome, since, until } = parameters;
        let outcome = outcome.map(|outcome| match outcome {
            OutcomeParameter::Completed => "completed",
            OutcomeParameter::Failed => "failed",
            OutcomeParameter::Cancelled => "cancelled",
            OutcomeParameter::Open => "open",
        });
        let outcome = outcome.map(str::to_owned);
        Self { user: None, model, provider, client, session, outcome, since, until, before: None }
    }
}
