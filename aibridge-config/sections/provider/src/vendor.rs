//! `preset`: the row of the table of vendors that a provider starts from, and the settings that override it.

use crate::extra_headers::{belongs_to_the_connection, hyphenated};
use crate::{ProviderKind, RawProvider};
use aibridge_presets::{PRESETS, Preset, UsageChunk};
use aibridge_values::base_url::{self, Advice};
use aibridge_values::choice::choice;
use aibridge_values::report::Report;
use aibridge_values::secret::Secret;
use http::HeaderName;
use url::Url;

/// The type and the vendor of a provider. `None` for what has a problem.
pub(crate) struct Vendor {
    pub(crate) kind: Option<ProviderKind>,
    /// The vendor that the settings name.
    pub(crate) preset: Option<&'static Preset>,
    /// The row with the defaults: that of `preset`, or else of the type.
    pub(crate) row: Option<&'static Preset>,
}

/// Resolves `type` and `preset`. A preset implies its type.
pub(crate) fn resolve(raw: &RawProvider<Secret>, at: &str, report: &mut Report<'_>) -> Vendor {
    let preset = raw.preset.as_deref().map(find).transpose();
    let preset = report.keep(&format!("{at}.preset"), preset);
    let kind = match (raw.kind.as_deref(), preset) {
        (Some(kind), _) => choice(kind, &ProviderKind::ALL, ProviderKind::as_str).map(Some),
        (None, Some(Some(preset))) => choice(preset.kind, &ProviderKind::ALL, ProviderKind::as_str).map(Some),
        (None, Some(None)) => Err("is missing; write type = \"openai\"".to_owned()),
        (None, None) => Ok(None), // the preset is unknown
    };
    let kind = report.keep(&format!("{at}.type"), kind).flatten();
    if let (Some(kind), Some(Some(preset))) = (kind, preset)
        && kind.as_str() != preset.kind
    {
        let message = format!(
            "{:?} has the type {:?}; write that as type, or another preset",
            preset.name, preset.kind
        );
        report.problem(&format!("{at}.preset"), message);
        return Vendor { kind: Some(kind), preset: None, row: None };
    }
    let row = match preset {
        Some(Some(preset)) => Some(preset),
        Some(None) => kind.and_then(|kind| aibridge_presets::default_of(kind.as_str())),
        None => None,
    };
    Vendor { kind, preset: preset.flatten(), row }
}

fn find(name: &str) -> Result<&'static Preset, String> {
    aibridge_presets::find(name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        format!("{name:?} is no known vendor; write one of {}, or no preset but a base_url", names.join(", "))
    })
}

/// The configured base URL, or that of the vendor. An unknown vendor is reported at `preset`, so it is no problem here.
pub(crate) fn base_url(configured: Option<&str>, row: Option<&Preset>) -> Result<Url, String> {
    let example = row.map_or("https://api.openai.com/v1/", |row| row.example_url);
    let advice = Advice { example, credentials: "keys or extra_headers" };
    match (configured, row) {
        (Some(configured), _) => base_url::parse(configured, advice),
        (None, Some(row)) => match row.base_url {
            Some(base_url) => base_url::parse(base_url, advice),
            None => Err(format!(
                "is missing: every customer of {} has an own one; write e.g. base_url = \"{example}\"",
                row.name
            )),
        },
        (None, None) => base_url::parse(example, advice),
    }
}

/// The configured header of the keys, or that of the vendor.
pub(crate) fn auth_header(configured: Option<&str>, row: Option<&Preset>) -> Result<HeaderName, String> {
    let name = configured.or(row.map(|row| row.auth_header)).unwrap_or("authorization");
    let advice = "write Authorization for bearer tokens, or e.g. api-key for the key alone";
    let header = HeaderName::from_bytes(name.as_bytes());
    let header = header.map_err(|_| format!("{name:?} is not a header name; {advice}"))?;
    match belongs_to_the_connection(&header) || is_of_the_request(&header) {
        true => Err(format!("{name:?} has another meaning in every request; {advice}")),
        false => Ok(header),
    }
}

/// Whether clients or the gateway itself set the header `name`, so that a key would replace it.
fn is_of_the_request(name: &HeaderName) -> bool {
    let other = ["accept", "content-type", "cookie", "origin", "traceparent", "tracestate", "user-agent"];
    let own = ["x-aibridge-", "x-ai-bridge-", "x-coder-"];
    let name = hyphenated(name);
    other.contains(&name.as_str()) || own.iter().any(|prefix| name.starts_with(prefix))
}

/// The configured handling of the usage chunk, or that of the vendor.
pub(crate) fn usage_chunk(configured: Option<&str>, row: Option<&Preset>) -> Result<UsageChunk, String> {
    match configured {
        Some(configured) => choice(configured, &UsageChunk::ALL, UsageChunk::as_str),
        None => Ok(row.map_or(UsageChunk::Add, |row| row.usage_chunk)),
    }
}

/// Rejects keys for a vendor that only accepts its users' own credentials.
pub(crate) fn allow_keys(keys: usize, row: Option<&Preset>) -> Result<(), String> {
    match row {
        Some(row) if row.byok_only && keys > 0 => {
            Err(format!("are not for {}: its users bring their own; remove them", row.name))
        }
        _ => Ok(()),
    }
}
