//! The actor on whose behalf a request is made, and its headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// The user or service on whose behalf a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The id, which is recorded as the initiator.
    pub id: String,
    /// Further attributes by name.
    pub metadata: BTreeMap<String, String>,
}

impl Actor {
    /// The actor of all requests while authentication is off.
    pub fn anonymous() -> Self {
        Self::named("anonymous")
    }

    /// The actor with this id and no metadata.
    pub fn named(id: impl Into<String>) -> Self {
        Self { id: id.into(), metadata: BTreeMap::new() }
    }

    /// Adds `X-AI-Bridge-Actor-ID` and `X-AI-Bridge-Actor-Metadata-<Name>`. Values that a header cannot contain are omitted.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_bytes(self.id.as_bytes()) {
            headers.insert("x-ai-bridge-actor-id", id);
        }
        for (name, value) in &self.metadata {
            let name = HeaderName::try_from(format!("x-ai-bridge-actor-metadata-{name}"));
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                headers.insert(name, value);
            }
        }
    }
}
