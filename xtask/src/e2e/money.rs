//! The scenarios about money: costs against decimal arithmetic, and agents and SDKs over their budget.

use super::install::Installed;
use super::python;
use super::tools::Tools;
use aibridge_workspace::{gateway, root};
use anyhow::{Result, ensure};
use std::path::Path;

/// The price data that `aibridge-prices` contains.
const DATA: &str = "aibridge-provider/prices/data/genai-prices-0.2.1.json";

/// Runs the scenarios, which start the gateways and the provider themselves.
pub(super) async fn run(binary: &Path, tools: &Tools, installed: &Installed) -> Result<()> {
    let mut prices = python(installed, "prices.py");
    prices.arg(gateway::build_example("aibridge-prices", "cost")?).arg(root().join(DATA));
    let status = prices.status().await?;
    ensure!(status.success(), "costs differ from decimal arithmetic ({status})");

    let mut costs = python(installed, "costs.py");
    let status = costs.arg(binary).arg(root().join(DATA)).status().await?;
    ensure!(status.success(), "stored costs differ from decimal arithmetic ({status})");

    let mut budgets = python(installed, "budgets.py");
    budgets.arg(binary).args([&installed.claude, &installed.codex, &tools.node, &installed.node]);
    let status = budgets.status().await?;
    ensure!(status.success(), "a client misunderstands that its budget is used up ({status})");
    Ok(())
}
