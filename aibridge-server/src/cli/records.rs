//! The commands that read records.

use aibridge_store::{Filter, UsageKey};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
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
        }
    }
}

fn usage_key(text: &str) -> Result<UsageKey, String> {
    let known = UsageKey::ALL.map(UsageKey::as_str).join(", ");
    let found = UsageKey::ALL.into_iter().find(|key| key.as_str() == text);
    found.ok_or_else(|| format!("usage can be added up by {known}"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    time_at(text, Timestamp::now())
}

fn time_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    if let Some(time) = text.parse().ok().and_then(|date| midnight(date).ok()) {
        return Ok(time);
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SignedDuration::try_from(ago).ok());
    ago.and_then(|ago| now.checked_sub(ago).ok()).ok_or_else(|| {
        "write a time (2026-01-31T12:00:00Z), a date (2026-01-31) or how long ago (7d, 12h)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_ago() {
        let now = "2026-03-10T12:00:00Z".parse().expect("a timestamp");
        let table = [
            ("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00Z")),
            ("2026-01-31T12:00:00.5+02:00", Some("2026-01-31T10:00:00.5Z")),
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("7d", Some("2026-03-03T12:00:00Z")),
            ("1h 30m", Some("2026-03-10T10:30:00Z")),
            ("0s", Some("2026-03-10T12:00:00Z")),
            ("2026-02-30", None),
            ("yesterday", None),
            ("7", None),
            ("", None),
            ("99999y", None),
        ];
        for (text, expected) in table {
            let time = time_at(text, now).ok().map(|time| time.to_string());
            assert_eq!(time.as_deref(), expected, "{text:?}");
        }
    }
}
