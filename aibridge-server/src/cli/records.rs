//! The commands that read records.

use aibridge_api::time::time;
use aibridge_store::{Filter, UsageKey};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;
use uuid::Uuid;

/// What to do about interceptions.
#[derive(Debug, Subcommand)]
pub enum InterceptionsCommand {
    /// List interceptions, the latest first
    List {
        /// Which
        #[command(flatten)]
        filter: FilterArgs,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show one interception with its prompts, tokens, tools and thoughts
    Show {
        /// Its id, as `list` and the header X-AIBridge-Interception-Id show it
        id: Uuid,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
}

/// What to add up.
#[derive(Debug, Args)]
pub struct UsageArgs {
    /// By what: user, model, client, day (UTC), provider
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', value_parser = usage_key, default_value = "user,model")]
    pub by: Vec<UsageKey>,
    /// Which interceptions
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

/// Which sessions to list.
#[derive(Debug, Args)]
pub struct SessionsArgs {
    /// Which interceptions
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// How
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Where to, instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Which interceptions
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values with a header (RFC 4180)
    Csv,
    /// Apache Parquet
    Parquet,
}

/// Which interceptions are meant: those that meet all that is given.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// On whose behalf
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
    /// The client's own id of its session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// How it ended; `open` if it has not
    #[arg(long, value_parser = PossibleValuesParser::new(["completed", "failed", "cancelled", "open"]))]
    outcome: Option<String>,
    /// Started then or later: 2026-01-31T12:00:00Z, 2026-01-31 (UTC), or 7d for as long ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Started before: likewise
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl From<&FilterArgs> for Filter {
    fn from(args: &FilterArgs) -> Self {
        Self {
            user: args.user.clone(),
            model: args.model.clone(),
            provider: args.provider.clone(),
            client: args.client.clone(),
            session: args.session.clone(),
            outcome: args.outcome.clone(),
            since: args.since,
            until: args.until,
            before: None,
        }
    }
}

fn usage_key(text: &str) -> Result<UsageKey, String> {
    let known = UsageKey::ALL.map(UsageKey::as_str).join(", ");
    UsageKey::named(text).ok_or_else(|| format!("usage can be added up by {known}"))
}
