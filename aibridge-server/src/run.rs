//! `aibridge run`: starts an agent through the gateway, forwards signals, returns its exit code and prints its cost.

mod agent_process;
mod cost;
mod gateway;

use crate::store_options::store_options;
use agent_process::AgentProcess;
use aibridge_cli::launch::{Agent, LaunchError, Setup, Target, UserSetup};
use aibridge_config::Config;
use cost::Run;
use jiff::Timestamp;
use std::ffi::OsString;
use std::io;
use tokio::time::sleep;
use uuid::Uuid;

/// The variable with the user's own key of OpenAI.
pub const OPENAI_KEY_VARIABLE: &str = "OPENAI_API_KEY";

/// The variables that the launcher reads from the environment.
#[derive(Debug, Default)]
pub struct UserEnvironment {
    /// The access token.
    pub token: Option<String>,
    /// The headers that Claude Code sends.
    pub claude_headers: Option<String>,
    /// The configuration of opencode.
    pub opencode_config: Option<String>,
    /// Whether there is a key of OpenAI.
    pub has_openai_key: bool,
}

impl UserEnvironment {
    /// The part of the environment that the agent keeps.
    pub fn setup(&self) -> UserSetup<'_> {
        UserSetup {
            opencode_config: self.opencode_config.as_deref(),
            claude_headers: self.claude_headers.as_deref(),
            has_openai_key: self.has_openai_key,
        }
    }
}

/// The reason why an agent could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The agent cannot be set up.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The gateway cannot start.
    #[error(transparent)]
    Start(#[from] crate::StartError),
    /// The program of the agent cannot be started.
    #[error("cannot start {}: {source}", program.display())]
    Agent {
        /// The program that was to be started.
        program: OsString,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The signals cannot be handled.
    #[error("cannot handle signals: {0}")]
    Signals(#[from] io::Error),
}

impl RunError {
    /// Whether the arguments or settings are at fault.
    pub fn is_bad_usage(&self) -> bool {
        matches!(self, Self::Launch(_))
    }
}

/// Runs `command`, and returns its exit code and the line about its cost.
///
/// # Errors
///
/// A [`RunError`] if the gateway or the agent cannot be started.
pub async fn run(
    config: Config,
    provider: Option<&str>,
    command: &[OsString],
    environment: UserEnvironment,
) -> Result<(u8, String), RunError> {
    let Some((program, arguments)) = command.split_first() else { return Ok((0, String::new())) };
    let agent = Agent::of_program(program);
    let target = Target::new(&config, agent, provider, String::new())?;
    let target = target.with_token(&config, environment.token.clone())?;
    let store = store_options(&config);
    let (url, own) = gateway::find_or_start(config).await?;
    let id = Uuid::now_v7();
    let target = target.at(url).of_run(id);
    let setup = Setup::new(agent, &target, environment.setup());
    let started_at = Timestamp::now();
    let process = AgentProcess::start(program, &setup, arguments);
    let ended = match process {
        Ok(process) => process.wait().await.map_err(RunError::Signals),
        Err(source) => Err(RunError::Agent { program: program.clone(), source }),
    };
    match own {
        Some(own) => own.stop().await,
        None => sleep(cost::READ_DELAY).await,
    }
    let code = ended?;
    Ok((code, cost::line(store, Run { agent, id, started_at }).await))
}
