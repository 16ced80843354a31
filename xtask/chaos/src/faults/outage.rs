//! Outages of the database: stopped, crashed, killed, frozen, read-only or locked.

use crate::database::{Database, WriteLock};
use crate::scene::{Level, Scene};
use anyhow::Result;
use std::time::Duration;
use tokio::time::sleep;

/// The kind of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outage {
    Stopped,
    Crashed,
    Killed,
    Frozen,
    ReadOnly,
    Locked,
}

/// The guard of an outage, which lasts until [`Outage::end`].
pub(super) struct OutageGuard(
    #[allow(dead_code, reason = "dropping it releases the lock")] Option<WriteLock>,
);

/// The time in which a gateway must notice that the database is unavailable, or available again.
const NOTICE_LIMIT: Duration = Duration::from_secs(10);

impl Outage {
    /// The simplest outage of the scene's database.
    pub(super) fn usual(scene: &Scene) -> Self {
        match scene.database {
            Database::Sqlite(_) => Self::Locked,
            Database::Postgres(_) => Self::Stopped,
        }
    }

    pub(super) async fn begin(self, scene: &Scene) -> Result<OutageGuard> {
        if self == Self::Locked {
            return Ok(OutageGuard(Some(scene.database.lock()?)));
        }
        let postgres = &scene.database.server()?.postgres;
        match self {
            Self::Stopped => postgres.stop().await,
            Self::Crashed => postgres.crash().await,
            Self::Killed => postgres.kill().await,
            Self::Frozen => postgres.freeze(),
            Self::ReadOnly | Self::Locked => set_read_only(scene, true).await?,
        }
        Ok(OutageGuard(None))
    }

    pub(super) async fn end(self, scene: &Scene, guard: OutageGuard) -> Result<()> {
        drop(guard);
        match self {
            Self::Locked => {}
            Self::Frozen => scene.database.server()?.postgres.thaw(),
            Self::ReadOnly => set_read_only(scene, false).await?,
            Self::Stopped | Self::Crashed | Self::Killed => scene.database.server()?.postgres.restart().await,
        }
        Ok(())
    }
}

async fn set_read_only(scene: &Scene, read_only: bool) -> Result<()> {
    let value = if read_only { "on" } else { "off" };
    let postgres = &scene.database.server()?.postgres;
    // Two calls, because ALTER SYSTEM cannot run with others in an implicit transaction.
    postgres.execute(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}")).await;
    postgres.execute("SELECT pg_reload_conf()").await;
    Ok(())
}

/// One outage under load. Afterwards, all waiting records reach the database while the load continues.
pub(super) async fn once(scene: &mut Scene, outage: Outage, duration: Duration) -> Result<()> {
    scene.wait_for_responses(20).await;
    scene.note_latency();
    let before = scene.ledger.whole();
    let guard = outage.begin(scene).await?;
    sleep(duration).await;
    scene.expect_ready(0, true, NOTICE_LIMIT).await;
    let waited = scene.ledger.whole() - before;
    outage.end(scene, guard).await?;
    let took = scene.wait_projected_under_load().await;
    note_catch_up(scene, waited, took);
    Ok(())
}

/// An outage that ends under load, and one after which the catch-up is measured without load.
pub(super) async fn twice(scene: &mut Scene, outage: Outage, duration: Duration) -> Result<()> {
    scene.wait_for_responses(100).await;
    scene.note_latency();
    let guard = outage.begin(scene).await?;
    sleep(duration).await;
    // Readiness is about accepting records: only at the level `database` does that need the database.
    let stays_ready = scene.level != Level::Database;
    scene.expect_ready(0, stays_ready, NOTICE_LIMIT).await;
    if stays_ready {
        scene.wait_for_responses(20).await;
    }
    outage.end(scene, guard).await?;
    scene.wait_for_responses(50).await;
    scene.expect_ready(0, true, NOTICE_LIMIT).await;
    scene.wait_projected_under_load().await;

    let before = scene.ledger.whole();
    let guard = outage.begin(scene).await?;
    sleep(duration).await;
    if stays_ready {
        scene.stop_load().await; // at the level `database`, the clients would wait for the database
    }
    outage.end(scene, guard).await?;
    scene.stop_load().await;
    measure_catch_up(scene, before).await;
    Ok(())
}

/// Measures how fast the responses since `before` reach the database, if they had to wait for it.
pub(super) async fn measure_catch_up(scene: &mut Scene, before: usize) {
    let waited = scene.ledger.whole() - before;
    let took = scene.wait_projected().await;
    note_catch_up(scene, waited, took);
}

fn note_catch_up(scene: &mut Scene, waited: usize, took: Duration) {
    if scene.level != Level::Database {
        let rate = waited as f64 / took.as_secs_f64().max(0.001);
        scene.figures.catch_up = Some(scene.figures.catch_up.map_or(rate, |slowest| slowest.min(rate)));
        scene.figures.notes.push(format!("{waited} interceptions reached the database in {took:.1?}"));
    }
}

/// Restarts under load.
pub(super) async fn restarts(scene: &mut Scene, duration: Duration) -> Result<()> {
    for _ in 0..3 {
        scene.wait_for_responses(50).await;
        let guard = Outage::Stopped.begin(scene).await?;
        Outage::Stopped.end(scene, guard).await?;
        sleep(duration / 3).await;
    }
    scene.wait_for_responses(50).await;
    Ok(())
}
