//! The provider that is used if no source configures one.

use super::{Layer, Origin, nested};
use crate::Environment;
use figment::value::{Dict, Value};

pub(super) const API_KEY: &str = "OPENAI_API_KEY";
pub(super) const BASE_URL: &str = "OPENAI_BASE_URL";

/// The default provider: OpenAI, with the variables that its SDKs read. Empty variables count as unset.
pub(crate) fn fallback_provider(environment: &dyn Environment) -> Layer {
    let var = |name| environment.var(name).filter(|value| !value.trim().is_empty());
    let mut provider = Dict::from([("type".to_owned(), Value::from("openai"))]);
    if let Some(base_url) = var(BASE_URL) {
        provider.insert("base_url".to_owned(), base_url.into());
    }
    if var(API_KEY).is_some() {
        provider.insert("keys".to_owned(), vec![format!("env:{API_KEY}")].into());
    }
    Layer { origin: Origin::OpenAiVariables, tree: nested(["provider"], vec![provider].into()) }
}
