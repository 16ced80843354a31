//! The gateway and the providers that an agent is to use.

use super::Agent;
use aibridge_config::{AuthMode, Config, Provider};
use uuid::Uuid;

/// The access token in the commands that `connect` prints: a reference to the variable of the shell.
pub(crate) const TOKEN_REFERENCE: &str = "$AIBRIDGE_TOKEN";

/// The gateway that an agent is to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The URL of the gateway, without a path.
    pub url: String,
    /// The access token, if the gateway needs one.
    pub token: Option<String>,
    /// The id of the run, by which its requests are found later; `None` for `aibridge connect`.
    pub run: Option<Uuid>,
    /// The provider with the OpenAI API.
    pub(crate) openai: Option<Route>,
    /// The provider with the Anthropic API.
    pub(crate) anthropic: Option<Route>,
}

/// A provider that an agent uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The configured name, the first segment of the path.
    pub(crate) name: String,
    /// Whether the gateway has keys for the provider. If not, the agent uses its own key.
    pub(crate) is_pooled: bool,
}

/// The reason why an agent cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// The settings have no provider with this name.
    #[error("there is no provider {name:?}: name one of {known}")]
    UnknownProvider {
        /// The requested name.
        name: String,
        /// The names of all providers.
        known: String,
    },
    /// The settings have no provider of the type that the agent needs.
    #[error(
        "{agent} needs a provider of type {kind:?}, and the settings have none: add one, or name another with --provider"
    )]
    NoProvider {
        /// The agent's program.
        agent: &'static str,
        /// The type of provider.
        kind: &'static str,
    },
    /// The gateway needs an access token.
    #[error(
        "the gateway needs an access token: set AIBRIDGE_TOKEN to one from `aibridge token create --user NAME`"
    )]
    NoToken,
}

impl Target {
    /// Chooses the providers for `agent`: the one with this `name`, or the first one of each type.
    ///
    /// # Errors
    ///
    /// [`LaunchError::UnknownProvider`], [`LaunchError::NoProvider`].
    pub fn new(config: &Config, agent: Agent, name: Option<&str>, url: String) -> Result<Self, LaunchError> {
        let all = || config.providers.iter();
        let first = |kind: &str| all().find(|provider| provider.kind.as_str() == kind).map(Route::to);
        let mut target =
            Self { url, token: None, run: None, openai: first("openai"), anthropic: first("anthropic") };
        if let Some(name) = name {
            let found = all().find(|provider| provider.name == name).ok_or_else(|| {
                let known = all().map(|provider| provider.name.clone()).collect::<Vec<_>>().join(", ");
                LaunchError::UnknownProvider { name: name.to_owned(), known }
            })?;
            match found.kind.as_str() {
                "anthropic" => target.anthropic = Some(Route::to(found)),
                _ => target.openai = Some(Route::to(found)),
            }
        }
        let missing = match agent.needs() {
            Some("anthropic") => target.anthropic.is_none(),
            Some(_) => target.openai.is_none(),
            None => false,
        };
        match (missing, agent.needs()) {
            (true, Some(kind)) => Err(LaunchError::NoProvider { agent: agent.program(), kind }),
            _ => Ok(target),
        }
    }

    /// The target with the access token, if the gateway needs one.
    ///
    /// # Errors
    ///
    /// [`LaunchError::NoToken`] if it needs one and `token` is `None`.
    pub fn with_token(self, config: &Config, token: Option<String>) -> Result<Self, LaunchError> {
        match config.auth.mode {
            AuthMode::None => Ok(self),
            AuthMode::Tokens => Ok(Self { token: Some(token.ok_or(LaunchError::NoToken)?), ..self }),
        }
    }

    /// The target with the name of the variable instead of the access token, for `aibridge connect`.
    #[must_use]
    pub fn with_token_variable(self, config: &Config) -> Self {
        let token = (config.auth.mode == AuthMode::Tokens).then(|| TOKEN_REFERENCE.to_owned());
        Self { token, ..self }
    }

    /// The target of a run with this id.
    #[must_use]
    pub fn of_run(self, run: Uuid) -> Self {
        Self { run: Some(run), ..self }
    }

    /// The target at another URL.
    #[must_use]
    pub fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    pub(crate) fn base_url(&self, route: &Route) -> String {
        format!("{}/{}/v1", self.url, route.name)
    }
}

impl Route {
    fn to(provider: &Provider) -> Self {
        Self { name: provider.name.clone(), is_pooled: !provider.keys.is_empty() }
    }
}
