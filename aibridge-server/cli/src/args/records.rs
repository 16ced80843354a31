//! The arguments of the commands that read records. Doc comments here are the help texts.

use aibridge_api_parameters::time::time;
use aibridge_store::{Filter, UsageKey};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;
use uuid::Uuid;

/// The commands of `aibridge interceptions`.
#[derive(Debug, Subcommand)]
pub enum InterceptionsCommand {
    /// List interceptions, latest first
    List {
        /// The interceptions to list
        #[command(flatten)]
        filter: FilterArgs,
        /// The most rows to list
        #[arg(long, value_name = "N", value_parser = row_limit, default_value_t = 50)]
        limit: usize,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show one interception with its prompts, tokens, tool calls and reasoning
    Show {
        /// The id, as in `list` and in the header X-AIBridge-Interception-Id
        id: Uuid,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
}

/// The arguments of `aibridge usage`.
#[derive(Debug, Args)]
pub struct UsageArgs {
    /// Group by: user, model, client, day (in budgets.time_zone), provider
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', value_parser = usage_key, default_value = "user,model")]
    pub by: Vec<UsageKey>,
    /// The interceptions to read
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `aibridge sessions`.
#[derive(Debug, Args)]
pub struct SessionsArgs {
    /// The interceptions to read
    #[command(flatten)]
    pub filter: FilterArgs,
    /// The most rows to list
    #[arg(long, value_name = "N", value_parser = row_limit, default_value_t = 50)]
    pub limit: usize,
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `aibridge export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The format of the output
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The file to write instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The interceptions to read
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values with a header (RFC 4180)
    Csv,
    /// Apache Parquet, a binary format
    Parquet,
}

/// Selects the interceptions that match all given values.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// The user who made the requests
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The model as the client named it
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The provider's configured name
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The client program, e.g. Codex
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// The id that the client gives its session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The outcome; open: not ended yet
    #[arg(long, value_parser = PossibleValuesParser::new(["completed", "failed", "cancelled", "open"]))]
    outcome: Option<String>,
    /// Started at or after: 2026-01-31T12:00:00Z, 2026-01-31 (UTC), or 7d for seven days ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Started before, in the same formats
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

/// The filter of a command selects an empty period: `until` is not after `since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "--until ({until:.0}) is not after --since ({since:.0}), so nothing can match: write an earlier --since or a later --until"
)]
pub struct EmptyPeriod {
    since: Timestamp,
    until: Timestamp,
}

impl TryFrom<&FilterArgs> for Filter {
    type Error = EmptyPeriod;

    fn try_from(args: &FilterArgs) -> Result<Self, EmptyPeriod> {
        if let (Some(since), Some(until)) = (args.since, args.until)
            && until <= since
        {
            return Err(EmptyPeriod { since, until });
        }
        Ok(Self {
            user: args.user.clone(),
            model: args.model.clone(),
            provider: args.provider.clone(),
            client: args.client.clone(),
            session: args.session.clone(),
            outcome: args.outcome.clone(),
            since: args.since,
            until: args.until,
            before: None,
        })
    }
}

fn row_limit(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|limit| *limit > 0).ok_or("write a whole number from 1")
}

fn usage_key(text: &str) -> Result<UsageKey, String> {
    let known = UsageKey::ALL.map(UsageKey::as_str).join(", ");
    UsageKey::named(text).ok_or_else(|| format!("usage can be added up by {known}"))
}
