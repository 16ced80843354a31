//! `[auth]`: the authentication of clients.

use aibridge_values::choice::choice;
use aibridge_values::report::Report;
use serde::{Deserialize, Serialize};

/// The authentication of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The required credential.
    pub mode: AuthMode,
    /// Whether a request may contain a BYOK credential.
    pub byok: bool,
}

/// The credential that clients need to use the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthMode {
    /// No credential: every client is the actor `anonymous`.
    None,
    /// An access token.
    Tokens,
}

impl AuthMode {
    const ALL: [Self; 2] = [Self::None, Self::Tokens];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tokens => "tokens",
        }
    }
}

/// The mirror of `[auth]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawAuth {
    mode: String,
    byok: bool,
}

impl Default for RawAuth {
    fn default() -> Self {
        Self { mode: AuthMode::None.as_str().into(), byok: true }
    }
}

impl From<&Auth> for RawAuth {
    fn from(auth: &Auth) -> Self {
        Self { mode: auth.mode.as_str().into(), byok: auth.byok }
    }
}

/// Validates `[auth]`. `None` if it has a problem.
pub fn resolve(raw: &RawAuth, report: &mut Report<'_>) -> Option<Auth> {
    let mode = report.keep("auth.mode", choice(&raw.mode, &AuthMode::ALL, AuthMode::as_str));
    Some(Auth { mode: mode?, byok: raw.byok })
}
