//! What may stand behind the `?`, read strictly: whoever misspells a filter should not be shown everything.

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

/// Which interceptions are meant: those that meet all that is given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterParameters {
    /// On whose behalf.
    #[serde(default, deserialize_with = "optional_text")]
    user: Option<String>,
    /// The model as the client named it.
    #[serde(default, deserialize_with = "optional_text")]
    model: Option<String>,
    /// The provider's configured name.
    #[serde(default, deserialize_with = "optional_text")]
    provider: Option<String>,
    /// The client program, e.g. `Codex`.
    #[serde(default, deserialize_with = "optional_text")]
    client: Option<String>,
    /// The client's own id of its session.
    #[serde(default, deserialize_with = "optional_text")]
    session: Option<String>,
    /// How it ended; `open` if it has not.
    outcome: Option<OutcomeParameter>,
    /// Started then or later: RFC 3339, a date (its midnight, UTC), or how long ago (`7d`, `12h`).
    #[serde(default, deserialize_with = "optional_time")]
    #[param(value_type = Option<String>, example = "2026-01-31T12:00:00Z")]
    since: Option<Timestamp>,
    /// Started before: likewise.
    #[serde(default, deserialize_with = "optional_time")]
    #[param(value_type = Option<String>, example = "12h")]
    until: Option<Timestamp>,
}

/// How an interception ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeParameter {
    /// The client has the answer.
    Completed,
    /// The gateway or the provider failed.
    Failed,
    /// The client left.
    Cancelled,
    /// It has not ended.
    Open,
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// How many rows at most.
    #[serde(default, deserialize_with = "limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: Option<usize>,
    /// The `next_cursor` of the page before, with the same filters; without, the list begins.
    pub(crate) cursor: Option<String>,
}

/// How usage is added up.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageParameters {
    /// By what, separated by commas: `user`, `model`, `client`, `day` (UTC), `provider`.
    #[serde(default, deserialize_with = "keys")]
    #[param(value_type = Option<String>, default = "user,model", example = "user,day")]
    pub(crate) by: Option<Vec<UsageKey>>,
}

/// How many rows a page may have.
const LIMIT_AT_MOST: usize = 1000;

/// The parameters that were sent and not taken yet.
pub(crate) struct Sent {
    left: Vec<(String, String)>,
    known: Vec<String>,
}

impl Sent {
    pub(crate) fn new(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self { left: pairs.into_owned().collect(), known: Vec::new() }
    }

    /// Takes those that the document says `P` has.
    pub(crate) fn take<P: IntoParams + DeserializeOwned>(&mut self) -> Result<P, ApiError> {
        let names: Vec<String> = P::into_params(|| None).into_iter().map(|param| param.name).collect();
        let (taken, left) =
            std::mem::take(&mut self.left).into_iter().partition(|(name, _)| names.contains(name));
        let taken: Vec<(String, String)> = taken;
        self.left = left;
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

    /// A number that differs where the parameters do, of `P`, that are left. Another build may find another number.
    pub(crate) fn fingerprint_of<P: IntoParams>(&self) -> u64 {
        let names: Vec<String> = P::into_params(|| None).into_iter().map(|param| param.name).collect();
        let mut pairs: Vec<_> = self.left.iter().filter(|(name, _)| names.contains(name)).collect();
        pairs.sort();
        let mut hasher = DefaultHasher::new();
        pairs.hash(&mut hasher);
        hasher.finish()
    }

    /// Sees that nothing was sent that nobody took.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        let Some((name, _)) = self.left.first() else { return Ok(()) };
        let problem = match self.known.as_slice() {
            [] => "there are none here".to_owned(),
            known => format!("there is none of that name, but {}", known.join(", ")),
        };
        Err(invalid(name, &problem))
    }
}

impl From<FilterParameters> for Filter {
    fn from(given: FilterParameters) -> Self {
        let FilterParameters { user, model, provider, client, session, outcome, since, until } = given;
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

fn optional_text<'de, D: Deserializer<'de>>(given: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(given)?;
    if text.contains('\0') {
        return Err(D::Error::custom("write it without NUL (%00), which no record holds"));
    }
    Ok(Some(text))
}

fn optional_time<'de, D: Deserializer<'de>>(given: D) -> Result<Option<Timestamp>, D::Error> {
    time(&String::deserialize(given)?).map(Some).map_err(D::Error::custom)
}

fn limit<'de, D: Deserializer<'de>>(given: D) -> Result<Option<usize>, D::Error> {
    let number = String::deserialize(given)?.parse().ok().filter(|limit| (1..=LIMIT_AT_MOST).contains(limit));
    let problem = || D::Error::custom(format_args!("write a number from 1 to {LIMIT_AT_MOST}"));
    number.ok_or_else(problem).map(Some)
}

fn keys<'de, D: Deserializer<'de>>(given: D) -> Result<Option<Vec<UsageKey>>, D::Error> {
    let text = String::deserialize(given)?;
    let keys: Option<Vec<_>> = text.split(',').map(UsageKey::named).collect();
    let known = UsageKey::ALL.map(UsageKey::as_str).join(", ");
    let problem = || D::Error::custom(format_args!("write some of {known}, with commas between them"));
    keys.ok_or_else(problem).map(Some)
}
