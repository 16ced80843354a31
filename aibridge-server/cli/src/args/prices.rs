//! The arguments of the commands about money. Doc comments here are the help texts.

use aibridge_api_parameters::time::time;
use clap::{Args, Subcommand};
use jiff::Timestamp;

/// The commands of `aibridge prices`.
#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// List the models with a price, those of your own price file first
    List(ListArgs),
    /// Show the prices of a model that apply now, and their source
    Show(ShowArgs),
    /// Compute recorded costs again at current prices, and print the changes
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
    /// Requests that started at or after this time: 2026-01-31T12:00:00Z, 2026-01-31 (UTC), or 7d for seven days ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Timestamp,
    /// Requests that started before this time, in the same formats
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
    /// Print the changes without writing them
    #[arg(long)]
    pub dry_run: bool,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}
