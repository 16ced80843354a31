//! The arguments of `aibridge budgets`. Doc comments here are the help texts.

use clap::{Args, Subcommand};

/// The commands of `aibridge budgets`.
#[derive(Debug, Subcommand)]
pub enum BudgetsCommand {
    /// List the budgets with what is spent, reserved and left in their current periods
    List(BudgetsListArgs),
}

/// The arguments of `aibridge budgets list`.
#[derive(Debug, Args)]
pub struct BudgetsListArgs {
    /// Print JSON, the rows of /api/v1/budgets
    #[arg(long)]
    pub json: bool,
}
