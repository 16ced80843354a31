//! A network between gateway and PostgreSQL that is slow, or loses the response to a COMMIT.

use super::outage::{Outage, measure_catch_up};
use crate::proxy::Network;
use crate::scene::{Scene, wait};
use anyhow::Result;
use std::time::Duration;
use tokio::time::sleep;

/// The time that a statement takes.
const SLOW: Duration = Duration::from_secs(2);

/// The number of responses that are lost.
const LOST_COMMITS: usize = 5;

/// The longest time until a COMMIT occurs under load.
const COMMIT_LIMIT: Duration = Duration::from_secs(30);

/// Statements of two seconds, for long enough that a few transactions end.
pub(super) async fn slow_statements(scene: &mut Scene, duration: Duration) -> Result<()> {
    scene.wait_for_responses(100).await;
    scene.database.server()?.proxy.set(Network::SlowStatements(SLOW));
    sleep(duration + 5 * SLOW).await;
    scene.database.server()?.proxy.set(Network::Direct);
    scene.wait_for_responses(50).await;
    Ok(())
}

/// A slow network under load, and while records of an outage are projected.
pub(super) async fn round_trip(scene: &mut Scene, delay: Duration, duration: Duration) -> Result<()> {
    scene.database.server()?.proxy.set(Network::RoundTrip(delay));
    sleep(duration).await;
    scene.wait_for_responses(50).await;
    scene.wait_projected_under_load().await;
    let before = scene.ledger.whole();
    let guard = Outage::Stopped.begin(scene).await?;
    sleep(duration).await;
    Outage::Stopped.end(scene, guard).await?;
    scene.stop_load().await;
    measure_catch_up(scene, before).await;
    scene.database.server()?.proxy.set(Network::Direct);
    Ok(())
}

/// Commits whose responses are lost, at random moments under load.
pub(super) async fn lost_commits(scene: &mut Scene) -> Result<()> {
    for lost in 1..=LOST_COMMITS {
        scene.wait_for_responses(20).await;
        sleep(scene.random_time(0..200)).await;
        let proxy = &scene.database.server()?.proxy;
        proxy.swallow_commit();
        if wait(COMMIT_LIMIT, async || proxy.swallowed() == lost).await.is_none() {
            scene.note_broken_promise(format!("no COMMIT within {COMMIT_LIMIT:?}"));
            break;
        }
    }
    scene.wait_for_responses(50).await;
    Ok(())
}
