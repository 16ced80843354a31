//! The query parameters of the endpoints. Parsing is strict: a misspelled filter is an error, because ignoring it would
//! return everything.

use crate::call::OnlyUser;
use crate::error::ApiError;
use crate::time::time;
use aibridge_store::{Filter, Interval, TotalsKey, UsageKey};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use utoipa::{IntoParams, ToSchema};

/// The filter by actor, of the endpoints that may read the records of every user.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserParameter {
    /// The actor: the user of the access token, or `anonymous`.
    #[serde(default, deserialize_with = "optional_text")]
    user: Option<String>,
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
    pub(crate) limit: Option<usize>,
    /// The `next_cursor` of the page before; the filters have to be the same. Without it, the first page is returned.
    pub(crate) cursor: Option<String>,
}

/// The grouping of usage.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageParameters {
    /// The columns to group by, separated by commas: `user`, `model`, `client`, `day` (UTC), `provider`.
    #[serde(default, deserialize_with = "keys")]
    #[param(value_type = Option<String>, default = "user,model", example = "user,day")]
    pub(crate) by: Option<Vec<UsageKey>>,
}

/// The grouping of totals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TotalsParameters {
    /// The length of the groups in time; without it, the whole time is one group.
    pub(crate) interval: Option<IntervalParameter>,
    /// The keys to group by, separated by commas: `user`, `model`, `provider`, `client`, `outcome`, `error_type`. Without
    /// it, there is one group for each time.
    #[serde(default, deserialize_with = "totals_keys")]
    #[param(value_type = Option<String>, example = "model")]
    pub(crate) by: Option<Vec<TotalsKey>>,
    /// The zone in which hours and days begin, a name of the IANA database. Without it, that of the settings.
    #[serde(default, deserialize_with = "time_zone")]
    #[param(value_type = Option<String>, example = "Europe/Berlin")]
    pub(crate) time_zone: Option<TimeZone>,
    /// The number of groups with the most requests that have rows of their own. The others are added up in one row for each
    /// time.
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub(crate) top: Option<usize>,
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
    pub(crate) limit: Option<usize>,
}

/// The optional content of a list of sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionParameters {
    /// Whether each session has the beginning of its last prompt.
    #[serde(default, deserialize_with = "optional_flag")]
    #[param(value_type = Option<bool>)]
    pub(crate) last_prompt: Option<bool>,
}

/// The page of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimelineParameters {
    /// The highest number of interceptions in the page.
    #[serde(default, deserialize_with = "timeline_limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    pub(crate) limit: Option<usize>,
    /// The `next_cursor` of the page before. Without it, the first page is returned.
    pub(crate) cursor: Option<String>,
}

/// The text to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchParameters {
    /// The text, at most 200 characters. Case is ignored; on SQLite, that of ASCII letters. Without it, nothing is found.
    #[serde(default, deserialize_with = "search_text")]
    #[param(value_type = Option<String>)]
    pub(crate) text: Option<String>,
}

/// The form of a text.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContentParameters {
    /// Whether the response is the whole text as a file.
    #[serde(default, deserialize_with = "optional_flag")]
    #[param(value_type = Option<bool>)]
    pub(crate) download: Option<bool>,
}

/// The position and the wait of a call for changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveParameters {
    /// The `after` of the response before. Without it, the response has no changes, only a position.
    pub(crate) after: Option<String>,
    /// The longest wait in seconds.
    #[serde(default, deserialize_with = "wait")]
    #[param(value_type = Option<u32>, minimum = 0, maximum = 30, default = 20)]
    pub(crate) wait: Option<u64>,
}

impl From<IntervalParameter> for Interval {
    fn from(interval: IntervalParameter) -> Self {
        match interval {
            IntervalParameter::Hour => Self::Hour,
            IntervalParameter::Day => Self::Day,
        }
    }
}

/// Takes the filters of a request. If it may read the records of one user only, there is no parameter `user`.
///
/// # Errors
///
/// [`ApiError::InvalidParameter`] if one is repeated or malformed.
pub(crate) fn filter(parameters: &mut QueryParameters, only: OnlyUser) -> Result<Filter, ApiError> {
    let user = match only {
        None => parameters.take::<UserParameter>()?.user,
        user => user,
    };
    Ok(Filter { user, ..parameters.take::<FilterParameters>()?.into() })
}

/// The highest `limit`, in rows.
const MAX_LIMIT: usize = 1000;

/// The highest `limit` of a timeline, whose rows contain texts.
const MAX_TIMELINE_LIMIT: usize = 100;

/// The highest `wait`, in seconds. Proxies often close a connection that is silent for a minute.
const MAX_WAIT_SECONDS: u64 = 30;

/// The longest text to search for, in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// The parameters of a request. Each endpoint takes the sets of parameters that it accepts.
pub(crate) struct QueryParameters {
    /// The parameters that were not taken yet.
    remaining: Vec<(String, String)>,
    /// The names of all parameters that the endpoint accepts.
    known: Vec<String>,
}

impl QueryParameters {
    pub(crate) fn new(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self { remaining: pairs.into_owned().collect(), known: Vec::new() }
    }

    /// Takes and deserializes the parameters that `P` declares.
    ///
    /// # Errors
    ///
    /// [`ApiError::InvalidParameter`] if one is repeated or malformed.
    pub(crate) fn take<P: IntoParams + DeserializeOwned>(&mut self) -> Result<P, ApiError> {
        let names: Vec<String> = P::into_params(|| None).into_iter().map(|param| param.name).collect();
        let (taken, remaining) =
            std::mem::take(&mut self.remaining).into_iter().partition(|(name, _)| names.contains(name));
        let taken: Vec<(String, String)> = taken;
        self.remaining = remaining;
        self.known.extend(names);
        let mut seen = HashSet::new();
        if let Some((name, _)) = taken.iter().find(|(name, _)| !seen.insert(name)) {
            return Err(invalid(name, "write it once"));
        }
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&taken).finish();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map_err(|error| invalid(&error.path().to_string(), &error.inner().to_string()))
    }

    /// Returns a hash of the filters among the remaining parameters. It is stable within one build of this program only.
    pub(crate) fn filter_fingerprint(&self) -> u64 {
        let declared =
            UserParameter::into_params(|| None).into_iter().chain(FilterParameters::into_params(|| None));
        let names: Vec<String> = declared.map(|param| param.name).collect();
        let mut pairs: Vec<_> = self.remaining.iter().filter(|(name, _)| names.contains(name)).collect();
        pairs.sort();
        let mut hasher = DefaultHasher::new();
        pairs.hash(&mut hasher);
        hasher.finish()
    }

    /// Checks that no parameter remains.
    ///
    /// # Errors
    ///
    /// [`ApiError::InvalidParameter`] for the first parameter that the endpoint does not accept.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        let Some((name, _)) = self.remaining.first() else { return Ok(()) };
        let problem = match self.known.as_slice() {
            [] => "this endpoint has no parameters: leave it out".to_owned(),
            known => format!("there is no such parameter; use {}", known.join(", ")),
        };
        Err(invalid(name, &problem))
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

pub(crate) fn invalid(name: &str, problem: &str) -> ApiError {
    ApiError::InvalidParameter { name: name.to_owned(), problem: problem.to_owned() }
}

fn optional_text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(value)?;
    if text.contains('\0') {
        return Err(D::Error::custom("write it without NUL (%00): no record contains one"));
    }
    Ok(Some(text))
}

fn optional_time<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Timestamp>, D::Error> {
    time(&String::deserialize(value)?).map(Some).map_err(D::Error::custom)
}

fn limit<'de, D: Deserializer<'de>>(value: D) -> Result<Option<usize>, D::Error> {
    number(value, 1, MAX_LIMIT)
}

fn timeline_limit<'de, D: Deserializer<'de>>(value: D) -> Result<Option<usize>, D::Error> {
    number(value, 1, MAX_TIMELINE_LIMIT)
}

fn wait<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    number(value, 0, MAX_WAIT_SECONDS)
}

fn number<'de, N, D>(value: D, first: N, last: N) -> Result<Option<N>, D::Error>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
    D: Deserializer<'de>,
{
    let number = String::deserialize(value)?.parse().ok().filter(|number| (first..=last).contains(number));
    number.ok_or_else(|| D::Error::custom(format_args!("write a number from {first} to {last}"))).map(Some)
}

fn optional_flag<'de, D: Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    let flag = String::deserialize(value)?.parse().ok();
    flag.ok_or_else(|| D::Error::custom("write true or false")).map(Some)
}

fn search_text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = optional_text(value)?;
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_SEARCH_CHARS) {
        return Err(D::Error::custom(format_args!("write at most {MAX_SEARCH_CHARS} characters")));
    }
    Ok(text)
}

fn time_zone<'de, D: Deserializer<'de>>(value: D) -> Result<Option<TimeZone>, D::Error> {
    let zone = TimeZone::get(&String::deserialize(value)?);
    zone.map(Some).map_err(|_| D::Error::custom("write a name of the IANA database, such as Europe/Berlin"))
}

fn totals_keys<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<TotalsKey>>, D::Error> {
    let text = String::deserialize(value)?;
    let mut keys = Vec::new();
    for name in text.split(',') {
        match TotalsKey::named(name) {
            Some(key) if keys.contains(&key) => {}
            Some(key) => keys.push(key),
            None => {
                let known = TotalsKey::ALL.map(TotalsKey::as_str).join(", ");
                return Err(D::Error::custom(format_args!(
                    "write some of {known}, with commas between them"
                )));
            }
        }
    }
    Ok(Some(keys))
}

fn keys<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<UsageKey>>, D::Error> {
    let text = String::deserialize(value)?;
    let keys: Option<Vec<_>> = text.split(',').map(UsageKey::named).collect();
    let known = UsageKey::ALL.map(UsageKey::as_str).join(", ");
    let problem = || D::Error::custom(format_args!("write some of {known}, with commas between them"));
    keys.ok_or_else(problem).map(Some)
}
