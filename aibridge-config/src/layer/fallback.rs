//! The providers that are used if no source configures one.

use super::{Layer, Origin, nested};
use crate::Environment;
use figment::value::{Dict, Value};

/// A vendor, and the variables that its SDKs read.
struct Vendor {
    kind: &'static str,
    api_key: &'static str,
    base_url: &'static str,
}

const VENDORS: [Vendor; 2] = [
    Vendor { kind: "openai", api_key: "OPENAI_API_KEY", base_url: "OPENAI_BASE_URL" },
    Vendor { kind: "anthropic", api_key: "ANTHROPIC_API_KEY", base_url: "ANTHROPIC_BASE_URL" },
];

/// The default providers: OpenAI and Anthropic, with the variables that their SDKs read. Empty variables count as unset.
pub(crate) fn fallback_providers(environment: &dyn Environment) -> Layer {
    let providers: Vec<Value> = VENDORS.iter().map(|vendor| vendor.provider(environment).into()).collect();
    Layer { origin: Origin::VendorVariables, tree: nested(["provider"], providers.into()) }
}

/// The variable that contains `setting` of a default provider, e.g. `provider[1].keys[0]`.
pub(super) fn variable(setting: &str) -> &'static str {
    let is_of = |index: usize| {
        setting.starts_with(&format!("provider[{index}]"))
            || setting.starts_with(&format!("provider.{index}."))
    };
    let vendor = &VENDORS[(0..VENDORS.len()).find(|index| is_of(*index)).unwrap_or(0)];
    if setting.ends_with(".base_url") { vendor.base_url } else { vendor.api_key }
}

impl Vendor {
    fn provider(&self, environment: &dyn Environment) -> Dict {
        let var = |name| environment.var(name).filter(|value| !value.trim().is_empty());
        let mut provider = Dict::from([("type".to_owned(), Value::from(self.kind))]);
        if let Some(base_url) = var(self.base_url) {
            provider.insert("base_url".to_owned(), base_url.into());
        }
        if var(self.api_key).is_some() {
            provider.insert("keys".to_owned(), vec![format!("env:{}", self.api_key)].into());
        }
        provider
    }
}
