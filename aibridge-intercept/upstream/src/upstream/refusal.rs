//! Classifies a provider's refusal: does it concern the key, the account, or the request?
//!
//! The status and the codes of the error object decide, because no client can choose them. A message counts only where a
//! vendor documents no code, and then only the part before anything that repeats the request: no client may disable a
//! key for others with the content of a request.

use super::read_ahead::READ_AHEAD_MAX;
use aibridge_observer::encoding::Encoding;
use aibridge_recorder::ErrorType;
use http::{HeaderMap, StatusCode};
use reqwest::Url;
use serde_json::Value;

/// The reason to try the next key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The account has no credit: a 402, or a 429 with a code for that.
    Quota,
    /// The request alone exceeds a limit: a 429, or a 402 that names the affordable size.
    TooLarge,
    /// Any other 429 status.
    RateLimited,
    /// A limit that does not concern the key, or may concern a model that is not known: nothing cools.
    OtherLimit,
    /// The provider does not accept the key: a 401 (Google: 400) that names the key.
    Rejected,
    /// Any other 401 status.
    Unauthorized,
    /// The provider forbids the request: a 403.
    Forbidden,
}

/// Codes and types of a 429 for lack of credit, by the vendor that documents them: OpenAI (`insufficient_quota`,
/// `billing_…`), Anthropic (`billing_error`, `enforced_spend_limit_reached`), Moonshot (`exceeded_current_quota_error`),
/// and those that OpenAI-compatible gateways share. Codes that begin with one of [`CREDIT_PREFIXES`] count too.
const CREDIT: [&str; 16] = [
    "insufficient_quota",
    "insufficient_user_quota",
    "insufficient_balance",
    "insufficient_credit",
    "insufficient_credits",
    "insufficient_funds",
    "exceeded_current_quota_error",
    "enforced_spend_limit_reached",
    "spend_limit_exceeded",
    "quota_exceeded",
    "account_quota_exceeded",
    "out_of_credits",
    "no_credits",
    "no_credit",
    "payment_required",
    "arrearage",
];
const CREDIT_PREFIXES: [&str; 2] = ["billing", "credit"];

/// Codes and types of a 401 that concerns the key or its account. OpenAI documents the first two.
const REJECTED: [&str; 14] = [
    "invalid_api_key",
    "account_deactivated",
    "account_disabled",
    "account_suspended",
    "organization_deactivated",
    "api_key_disabled",
    "api_key_expired",
    "api_key_revoked",
    "expired_api_key",
    "incorrect_api_key",
    "api_key_not_found",
    "token_expired",
    "token_revoked",
    // Moonshot.
    "invalid_authentication_error",
];

/// Codes of a 429 that concerns the size of the request. Most providers send 400 or 413 instead.
const TOO_LARGE: [&str; 2] = ["context_length_exceeded", "request_too_large"];

/// Starts of the message of a 429 that concerns the size of the request: OpenAI's and Groq's, and Anthropic's for a
/// context that the plan does not cover. They have the code of an ordinary rate limit.
const TOO_LARGE_MESSAGES: [&str; 2] =
    ["Request too large for ", "Extra usage is required for long context requests"];

/// Query parameters in which providers accept a credential.
const CREDENTIAL_PARAMETERS: [&str; 9] = [
    "key",
    "api-key",
    "apikey",
    "x-api-key",
    "x-goog-api-key",
    "subscription-key",
    "access-token",
    "auth-token",
    "token",
];

impl Refusal {
    /// Whether a response with this status may be a refusal, so that its body must be read.
    pub(super) fn is_possible(status: StatusCode) -> bool {
        matches!(status.as_u16(), 400..=403 | 429)
    }

    /// Classifies a response; `None` if it does not concern the key and is relayed.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let error = ErrorObject::read(headers, body);
        match status.as_u16() {
            429 if error.concerns_credit() => Some(Self::Quota),
            429 if error.concerns_size() => Some(Self::TooLarge),
            429 => Some(Self::RateLimited),
            402 if error.concerns_price() => Some(Self::TooLarge),
            402 => Some(Self::Quota),
            403 => Some(Self::Forbidden),
            401 if error.names_the_key() => Some(Self::Rejected),
            401 => Some(Self::Unauthorized),
            400 if error.is_googles_invalid_key() || error.is_xais_invalid_key() => Some(Self::Rejected),
            _ => None,
        }
    }

    /// The refusal of a request that the provider limits apart from others: a limit does not concern the key.
    pub(super) fn without_rate_limit(self) -> Self {
        match self {
            Self::Quota | Self::RateLimited => Self::OtherLimit,
            other => other,
        }
    }

    /// The refusal of a request whose model was not read. A rate limit may concern the model or the key, so it cools
    /// nothing.
    pub(super) fn without_model(self) -> Self {
        match self {
            Self::RateLimited => Self::OtherLimit,
            other => other,
        }
    }

    /// The refusal of a request that contains a credential of the client's own: it does not concern the key.
    pub(super) fn without_key_fault(self) -> Self {
        match self {
            Self::Quota | Self::RateLimited => Self::OtherLimit,
            Self::Rejected => Self::Unauthorized,
            other => other,
        }
    }
}

/// Whether the query, which is forwarded as it is, may contain a credential of the client.
pub(super) fn has_credential_parameter(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| {
        let name = name.to_ascii_lowercase().replace('_', "-");
        CREDENTIAL_PARAMETERS.contains(&name.as_str())
    })
}

/// The error type to record for a response of the provider; `None` below status 400.
pub fn error_type(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<ErrorType> {
    if status == StatusCode::TOO_MANY_REQUESTS && ErrorObject::read(headers, body).concerns_credit() {
        return Some(ErrorType::Quota);
    }
    ErrorType::from_status(status.as_u16())
}

/// The error object of a response: the member `error` of an object, or of the first object of an array (Google), or the
/// object itself (older servers).
#[derive(Default)]
struct ErrorObject {
    error: Value,
}

impl ErrorObject {
    fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        Self::parse(headers, body).unwrap_or_default()
    }

    fn parse(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let text = match Encoding::of(headers) {
            Ok(Some(encoding)) => encoding.decode(body, READ_AHEAD_MAX).ok()?,
            _ if body.len() > READ_AHEAD_MAX => return None,
            _ => body.to_vec().into(),
        };
        let text = String::from_utf8_lossy(&text);
        let root: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        let mut root = match root {
            Value::Array(items) => items.into_iter().next()?,
            other => other,
        };
        let inner = root.get_mut("error").filter(|error| error.is_object()).map(Value::take);
        let mut error = inner.unwrap_or(root);
        // xAI and others: `"error"` is the message, or the code itself.
        if let Some(text) = error.get("error").and_then(Value::as_str).map(str::to_owned) {
            let member = if text.contains(' ') { "message" } else { "type" };
            error[member] = Value::from(text);
        }
        Some(Self { error })
    }

    /// The members `code`, `type` and `details.error_code`.
    fn codes(&self) -> impl Iterator<Item = &str> {
        let members =
            [self.error.get("code"), self.error.get("type"), self.error.pointer("/details/error_code")];
        members.into_iter().flatten().filter_map(Value::as_str)
    }

    fn has_code(&self, among: &[&str]) -> bool {
        self.codes().any(|code| {
            let code = code.replace('-', "_");
            among.iter().any(|known| known.eq_ignore_ascii_case(&code))
        })
    }

    fn message(&self) -> &str {
        self.error.get("message").and_then(Value::as_str).unwrap_or_default()
    }

    fn concerns_credit(&self) -> bool {
        let has_prefix = |code: &str| {
            let start = |prefix: &str| code.as_bytes().get(..prefix.len());
            CREDIT_PREFIXES.iter().any(|prefix| {
                start(prefix).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
            })
        };
        self.has_code(&CREDIT) || self.codes().any(has_prefix)
    }

    fn concerns_size(&self) -> bool {
        let message = self.message();
        self.has_code(&TOO_LARGE)
            || TOO_LARGE_MESSAGES.iter().any(|start| message.starts_with(start))
            || number_after(message, "Requested ") > number_after(message, "Limit ")
                && number_after(message, "Limit ").is_some()
    }

    /// OpenRouter's 402 for a `max_tokens` that the balance does not cover: a smaller request is served.
    fn concerns_price(&self) -> bool {
        let message = self.message();
        message.contains("fewer max_tokens") && message.contains("can only afford")
    }

    fn names_the_key(&self) -> bool {
        self.has_code(&REJECTED)
            || self.is_googles_invalid_key()
            || self.is_xais_invalid_key()
            // Anthropic and DeepSeek.
            || self.has_code(&["authentication_error"]) && self.message_names_the_key()
            // Azure.
            || self.message().starts_with("Access denied due to invalid subscription key")
    }

    /// False if the error concerns a scope that a restricted key lacks.
    fn message_names_the_key(&self) -> bool {
        let message = self.message().to_lowercase();
        let contains = |word: &&str| message.contains(word);
        ["x-api-key", "api key"].iter().any(contains) && !["scope", "permission"].iter().any(contains)
    }

    /// xAI returns 400 or 401 with a message that begins so. A request cannot provoke this beginning.
    fn is_xais_invalid_key(&self) -> bool {
        self.message().starts_with("Incorrect API key provided")
    }

    /// Whether there is a `google.rpc.ErrorInfo` with this reason, also from Google's OpenAI-compatible endpoint.
    fn is_googles_invalid_key(&self) -> bool {
        let details = self.error.get("details").and_then(Value::as_array);
        details.is_some_and(|details| {
            details
                .iter()
                .any(|detail| detail.get("reason").is_some_and(|reason| reason == "API_KEY_INVALID"))
        })
    }
}

/// The number after the last `label`, as in `Limit 30000, Requested 40000`. The text before it may repeat the model.
fn number_after(message: &str, label: &str) -> Option<u64> {
    let (_, rest) = message.rsplit_once(label)?;
    let digits: String =
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
