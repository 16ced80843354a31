//! The command line.

pub mod health;
pub mod records;

use clap::{Args, Parser, Subcommand};
use records::{ExportArgs, InterceptionsCommand, SessionsArgs, UsageArgs};
use std::path::PathBuf;
use uuid::Uuid;

/// A gateway between AI clients and OpenAI-compatible providers: who asked which model what, on whose key.
#[derive(Debug, Parser)]
#[command(name = "aibridge", version)]
pub struct Cli {
    /// What to do; without one it serves.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings that commands have in common.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Where settings come from.
#[derive(Debug, Clone, Args)]
pub struct SettingsArgs {
    /// The settings file [default: ./aibridge.toml if there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Where to listen, e.g. 127.0.0.1:8080; port 0 picks one
    #[arg(long, value_name = "ADDR", global = true)]
    pub listen: Option<String>,
    /// Where to record, e.g. sqlite:aibridge.db
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    /// How to log: text, or json for one object a line [default: text]
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (the default)
    Serve,
    /// Validate the settings and print them resolved, with secrets masked
    Check,
    /// Check that the gateway on this machine is ready; exit code 0 or 1
    Health,
    /// Manage gateway tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// List and show what was recorded
    #[command(subcommand)]
    Interceptions(InterceptionsCommand),
    /// Add up requests and tokens
    Usage(UsageArgs),
    /// List the sessions of clients, the latest first
    Sessions(SessionsArgs),
    /// Write all that was recorded, oldest first
    Export(ExportArgs),
}

/// What to do about tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token and show it, once
    Create {
        /// On whose behalf requests with it are made
        #[arg(long, value_name = "NAME")]
        user: String,
        /// How long it is valid, e.g. 90d [default: until it is revoked]
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        expires: Option<std::time::Duration>,
        /// Let it open what is for operators alone: /api/v1, and /metrics from anywhere
        #[arg(long)]
        admin: bool,
    },
    /// List all tokens, with hints only
    List,
    /// Revoke a token
    Revoke {
        /// The token's id, as `list` shows it
        id: Uuid,
    },
}
