//! On whose behalf a request is made.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// The person or service on whose behalf a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What is recorded as the initiator.
    pub id: String,
    /// What else is known, by name.
    pub metadata: BTreeMap<String, String>,
}

impl Actor {
    /// Who everyone is while nobody has to say who they are.
    pub fn anonymous() -> Self {
        Self::named("anonymous")
    }

    /// The actor with this id and no metadata.
    pub fn named(id: impl Into<String>) -> Self {
        Self { id: id.into(), metadata: BTreeMap::new() }
    }

    /// Adds `X-AI-Bridge-Actor-ID` and `X-AI-Bridge-Actor-Metadata-<Name>`. What no header can hold is left out.
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
