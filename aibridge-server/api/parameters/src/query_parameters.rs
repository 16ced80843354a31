//! Takes the parameters of a query string. Parsing is strict: a misspelled filter is an error, because ignoring it would
//! return everything.

use crate::invalid_parameter::{InvalidParameter, invalid};
use crate::parameters::{FilterParameters, UserParameter};
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use utoipa::IntoParams;

/// The parameters of a request. Each endpoint takes the sets of parameters that it accepts.
pub struct QueryParameters {
    /// The parameters that were not taken yet.
    remaining: Vec<(String, String)>,
    /// The names of all parameters that the endpoint accepts.
    known: Vec<String>,
}

impl QueryParameters {
    /// Parses a query string.
    pub fn new(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self { remaining: pairs.into_owned().collect(), known: Vec::new() }
    }

    /// Takes and deserializes the parameters that `P` declares.
    ///
    /// # Errors
    ///
    /// [`InvalidParameter`] if one is repeated or malformed.
    pub fn take<P: IntoParams + DeserializeOwned>(&mut self) -> Result<P, InvalidParameter> {
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
    pub fn filter_fingerprint(&self) -> u64 {
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
    /// [`InvalidParameter`] for the first parameter that the endpoint does not accept.
    pub fn finish(self) -> Result<(), InvalidParameter> {
        let Some((name, _)) = self.remaining.first() else { return Ok(()) };
        let problem = match self.known.as_slice() {
            [] => "this endpoint has no parameters: leave it out".to_owned(),
            known => format!("there is no such parameter; use {}", known.join(", ")),
        };
        Err(invalid(name, &problem))
    }
}
