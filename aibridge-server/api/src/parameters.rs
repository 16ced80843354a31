//! The query parameters of the endpoints. Parsing is strict: a misspelled filter is an error, because ignoring it would
//! return everything.

use crate::error::ApiError;
use crate::time::time;
use aibridge_store::{Filter, UsageKey};
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use utoipa::{IntoParams, ToSchema};

/// The filters. An interception is included if it matches all filters that are present.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterParameters {
    /// The actor: the user of the access token, or `anonymous`.
    #[serde(default, deserialize_with = "optional_text")]
    user: Option<String>,
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

/// The highest `limit`, in rows.
const MAX_LIMIT: usize = 1000;

/// The parameters of a request, from which each endpoint takes the sets that it has.
pub(crate) struct QueryParameters {
    /// The parameters that were not taken yet.
    remaining: Vec<(String, String)>,
    /// The names of all parameters that the endpoint has.
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

    /// Returns a hash of the remaining parameters that `P` declares. It is stable within one build of this program only.
    pub(crate) fn fingerprint_of<P: IntoParams>(&self) -> u64 {
        let names: Vec<String> = P::into_params(|| None).into_iter().map(|param| param.name).collect();
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
    /// [`ApiError::InvalidParameter`] for the first parameter that the endpoint does not have.
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
        let FilterParameters { user, model, provider, client, session, outcome, since, until } = parameters;
        let outcome = outcome.map(|outcome| match outcome {
            OutcomeParameter::Completed => "completed",
            OutcomeParameter::Failed => "failed",
            OutcomeParameter::Cancelled => "cancelled",
            OutcomeParameter::Open => "open",
        });
        let outcome = outcome.map(str::to_owned);
        Self { user, model, provider, client, session, outcome, since, until, before: None }
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
    let number = String::deserialize(value)?.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    let problem = || D::Error::custom(format_args!("write a number from 1 to {MAX_LIMIT}"));
    number.ok_or_else(problem).map(Some)
}

fn keys<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<UsageKey>>, D::Error> {
    let text = String::deserialize(value)?;
    let keys: Option<Vec<_>> = text.split(',').map(UsageKey::named).collect();
    let known = UsageKey::ALL.map(UsageKey::as_str).join(", ");
    let problem = || D::Error::custom(format_args!("write some of {known}, with commas between them"));
    keys.ok_or_else(problem).map(Some)
}
