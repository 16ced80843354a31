//! Gateways that are killed (SIGKILL): under load, while they start, and while they project.

use super::outage::Outage;
use crate::scene::Scene;
use anyhow::Result;
use std::time::Duration;

/// The time between two kills, in milliseconds.
const BETWEEN: std::ops::Range<u64> = 20..500;

/// The time from a start to a kill during it, in milliseconds.
const STARTING: std::ops::Range<u64> = 1..150;

/// Every n-th kill is followed by kills while the gateway starts.
const STARTING_EVERY: u32 = 4;

/// The size of a large prompt, and the pause after it.
const LARGE_PROMPT: usize = 8 << 20;
const LARGE_PAUSE: Duration = Duration::from_millis(500);

/// The size of a prompt that fills a file of the journal after a few dozen requests, so that files are finished and
/// deleted during the kills.
const FILLING_PROMPT: usize = 2 << 20;
const FILLING_PAUSE: Duration = Duration::from_millis(30);

/// Kills gateways at random moments under load.
pub(super) async fn at_random_moments(scene: &mut Scene, kills: u32) {
    scene.add_large_client(LARGE_PROMPT, LARGE_PAUSE);
    for kill in 0..kills {
        tokio::time::sleep(scene.random_time(BETWEEN)).await;
        let at = scene.rng.usize(..scene.members.len());
        if kill % STARTING_EVERY == STARTING_EVERY - 1 {
            scene.members[at].kill().await;
            kill_while_starting(scene, at).await;
            scene.start_member(at).await;
        } else {
            scene.kill(at).await;
        }
    }
    scene.wait_for_responses(50).await;
}

/// Accumulates records while the database is unavailable, and kills the gateway while it recovers and projects them.
pub(super) async fn in_recovery(scene: &mut Scene, kills: u32, duration: Duration) -> Result<()> {
    scene.add_large_client(FILLING_PROMPT, FILLING_PAUSE);
    let mut left = kills;
    while left > 0 {
        let outage = Outage::usual(scene);
        let guard = outage.begin(scene).await?;
        tokio::time::sleep(duration / 2).await;
        let at = scene.rng.usize(..scene.members.len());
        scene.members[at].kill().await;
        outage.end(scene, guard).await?;
        for _ in 0..left.min(5) {
            kill_while_starting(scene, at).await;
            scene.start_member(at).await;
            tokio::time::sleep(scene.random_time(STARTING)).await;
            scene.members[at].kill().await;
            scene.figures.kills += 1;
            left -= 1;
        }
        scene.start_member(at).await;
    }
    scene.wait_for_responses(50).await;
    Ok(())
}

async fn kill_while_starting(scene: &mut Scene, at: usize) {
    let delay = scene.random_time(STARTING);
    scene.members[at].kill_while_starting(delay).await;
    scene.figures.kills += 1;
}
