//! The arguments of the commands about money. Doc comments here are the help texts.

use aibridge_api::time::time;
use clap::{Args, Subcommand};
use jiff::Timestamp;

/// The commands of `aibridge prices`.
#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// List the models with a price, those of your own price file first
    List(ListArgs),
    /// Show the prices of a model that apply now, and where they are from
    Show(ShowArgs),
    /// Compute recorded costs anew at the prices of now, and say what changed
    Recompute(RecomputeArgs),
}

/// The arguments of `aibridge prices list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only the models of this vendor, preset or configured provider
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

/// The arguments of `aibridge prices show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The model, as requests and responses name it
    pub model: String,
    /// Only the price of this vendor, preset or configured provider [default: every configured provider]
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

/// The arguments of `aibridge prices recompute`.
#[derive(Debug, Args)]
pub struct RecomputeArgs {
    /// Requests started at or after: 2026-01-31T12:00:00Z, 2026-01-31 (UTC), or 7d for seven days ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Timestamp,
    /// Requests started before, in the same formats
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
    /// Say what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}
