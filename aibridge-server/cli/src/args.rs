//! The arguments of the command line. Doc comments here are the help texts.

pub mod budgets;
pub mod prices;
pub mod records;

use budgets::BudgetsCommand;
use clap::{Args, Parser, Subcommand};
use prices::PricesCommand;
use records::{ExportArgs, InterceptionsCommand, SessionsArgs, UsageArgs};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// A gateway between AI clients and model providers that records who asked which model what, on whose key
#[derive(Debug, Parser)]
#[command(name = "aibridge", version)]
pub struct Cli {
    /// The command; `serve` if there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings that all commands share.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// The flags for settings, which override the file and the environment.
#[derive(Debug, Clone, Args)]
pub struct SettingsArgs {
    /// The settings file [default: ./aibridge.toml if it exists]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The address to listen on, e.g. 127.0.0.1:8080; port 0 picks a free port
    #[arg(long, value_name = "ADDR", global = true)]
    pub listen: Option<String>,
    /// The store for records, e.g. sqlite:aibridge.db
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    /// The format of the log: text, or json for one object per line [default: text]
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
}

/// The commands of `aibridge`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (the default)
    Serve,
    /// Validate the settings and print them resolved, with secrets masked
    Check,
    /// Check that the gateway on this machine is ready; exit code 0 or 1
    Health,
    /// Manage access tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// List and show recorded interceptions
    #[command(subcommand)]
    Interceptions(InterceptionsCommand),
    /// Add up requests, tokens and costs
    Usage(UsageArgs),
    /// List the sessions of clients, latest first
    Sessions(SessionsArgs),
    /// List the budgets and what is spent of them
    #[command(subcommand)]
    Budgets(BudgetsCommand),
    /// List and show the prices of models, and compute recorded costs anew
    #[command(subcommand)]
    Prices(PricesCommand),
    /// Export recorded interceptions, oldest first
    Export(ExportArgs),
    /// Run an agent through the gateway: codex, claude, opencode, aider or any program
    Run {
        /// The provider to use, by its configured name [default: the first one of the agent's API]
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
        /// The agent's program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "AGENT")]
        command: Vec<OsString>,
    },
    /// Print what to set so that an agent uses the gateway
    Connect {
        /// The provider to use, by its configured name [default: the first one of the agent's API]
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
        /// The agent's program: codex, claude, opencode, aider or any other
        agent: OsString,
    },
}

/// The commands of `aibridge token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token and show it once
    Create {
        /// The user on whose behalf requests with the token are made
        #[arg(long, value_name = "NAME")]
        user: String,
        /// The time for which the token is valid, e.g. 90d [default: until it is revoked]
        #[arg(long, value_name = "DURATION", value_parser = expiry)]
        expires: Option<Duration>,
        /// A group that the user belongs to, for budgets; may be given several times
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
        /// Allow access to /api/v1, and to /metrics from any address
        #[arg(long)]
        admin: bool,
    },
    /// List all tokens, as hints
    List,
    /// Revoke a token
    Revoke {
        /// The id of the token, as `list` shows it
        id: Uuid,
    },
}

/// The time until a token expires.
fn expiry(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "write a number with a unit, such as 90d, 12h or 30m")
}
