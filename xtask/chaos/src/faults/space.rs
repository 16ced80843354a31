//! Lack of space: a full disk, and a journal at its limit.

use super::outage::Outage;
use crate::scene::{Scene, wait};
use anyhow::{Result, ensure};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The size of a prompt that fills the journal quickly.
const FILLING_PROMPT: usize = 2 << 20;

const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// The time in which a gateway must accept requests again after there is space.
const READY_LIMIT: Duration = Duration::from_secs(15);

/// Fills the disk under load, and gives the space back.
pub(super) async fn full_disk(scene: &mut Scene, duration: Duration) -> Result<()> {
    scene.wait_for_responses(100).await;
    scene.add_large_client(FILLING_PROMPT, Duration::ZERO);
    scene.directory.fill(0)?;
    wait_for_refusals(scene).await?;
    sleep(duration).await;
    scene.directory.empty()?;
    expect_service(scene).await;
    Ok(())
}

/// Fills the journal while the database is unavailable.
pub(super) async fn full_journal(scene: &mut Scene, duration: Duration) -> Result<()> {
    scene.wait_for_responses(100).await;
    let outage = Outage::usual(scene);
    let guard = outage.begin(scene).await?;
    wait_for_refusals(scene).await?;
    scene.expect_ready(0, false, READY_LIMIT).await;
    sleep(duration).await;
    outage.end(scene, guard).await?;
    expect_service(scene).await;
    Ok(())
}

async fn wait_for_refusals(scene: &Scene) -> Result<()> {
    let ledger = Arc::clone(&scene.ledger);
    let refused = wait(WAIT_LIMIT, async || ledger.refused() > 20).await;
    ensure!(refused.is_some(), "no request was refused within {WAIT_LIMIT:?}");
    Ok(())
}

async fn expect_service(scene: &mut Scene) {
    scene.expect_ready(0, true, READY_LIMIT).await;
    scene.wait_for_responses(100).await;
}
