//! The arguments of the commands about money. Doc comments here are the help texts.

use clap::{Args, Subcommand};

/// The commands of `aibridge prices`.
#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// List the models with a price, those of your own price file first
    List(ListArgs),
    /// Show the prices of a model that apply now, and where they are from
    Show(ShowArgs),
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
