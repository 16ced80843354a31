//! A long journal: measures how fast a gateway projects the records of a long outage, with a given network latency.

use crate::proxy::Network;
use crate::scene::{Scene, wait};
use aibridge_chaos_checker::{Ledger, planned_records};
use aibridge_journal::{Journal, Options};
use aibridge_store_core::payload::{RECORDS, records};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use uuid::Uuid;

/// The number of interceptions that wait.
const INTERCEPTIONS: u64 = 30_000;

/// The size of their prompts in bytes.
const PROMPT: usize = 1000;

/// The longest time until the backlog is in the database.
const LIMIT: Duration = Duration::from_secs(120);

/// Appends a backlog to the journal of gateway 0, and measures how fast it reaches the database. The checker expects its
/// records like those of requests that clients have sent.
pub(super) async fn measure(scene: &mut Scene, delay: Option<Duration>) -> Result<()> {
    scene.wait_for_responses(50).await;
    scene.stop_load().await;
    scene.members[0].stop().await;
    if let Some(delay) = delay {
        scene.database.server()?.proxy.set(Network::RoundTrip(delay));
    }
    let (journal, ledger) = (scene.members[0].journal().to_owned(), scene.ledger.clone());
    spawn_blocking(move || append(&journal, &ledger)).await??;
    let (began, commits) = (Instant::now(), commits(scene));
    scene.start_member(0).await; // a gateway projects while it starts
    let member = &scene.members[0];
    let is_projected = async || member.lag().await.is_ok_and(|lag| lag == 0);
    wait(LIMIT, is_projected).await.context("the backlog is not in the database in time")?;
    let took = began.elapsed().as_secs_f64();
    scene.figures.catch_up = Some(INTERCEPTIONS as f64 / took);
    let mut note =
        format!("{INTERCEPTIONS} interceptions of 1 KB reached the database {took:.2} s after the start");
    if let Some((before, after)) = commits.zip(self::commits(scene)) {
        write!(note, ", in {} transactions", after - before)?;
    }
    scene.figures.notes.push(note);
    Ok(())
}

/// The number of transactions so far, if the database is a server.
fn commits(scene: &Scene) -> Option<usize> {
    scene.database.server().ok().map(|server| server.proxy.commits())
}

fn append(journal: &Path, ledger: &Ledger) -> Result<()> {
    let (journal, _) = Journal::open(journal, Options::default())?;
    for _ in 0..INTERCEPTIONS {
        let (plan, id) = (ledger.begin(Some(PROMPT)), Uuid::now_v7());
        for records_of_call in planned_records::of_plan(&plan, id) {
            journal.append(RECORDS, records(&records_of_call)?)?;
        }
        ledger.note_recorded(plan.number, id);
    }
    Ok(())
}
