//! One client with prompts of 60 MB, and the latency of the others.

use crate::scene::Scene;
use std::time::Duration;
use tokio::time::sleep;

/// The size of the prompts.
const LARGE_PROMPT: usize = 60_000_000;

/// The number of appends to the journal, and of those that took 25 ms at most.
const APPENDS: [&str; 2] =
    ["aibridge_journal_append_seconds_count", "aibridge_journal_append_seconds_bucket{le=\"0.025\"}"];

/// Compares the latency of usual requests without and with the large ones.
pub(super) async fn compare_latency(scene: &mut Scene, hold: Duration) {
    scene.wait_answers(100).await;
    scene.note_latency();
    let began = slow_appends(scene).await;
    sleep(hold * 2).await;
    let without = scene.note_latency().unwrap_or_default();
    let slow_without = slow_appends(scene).await - began;
    scene.add_large_client(LARGE_PROMPT, Duration::ZERO);
    sleep(hold * 4).await;
    let with = scene.note_latency().unwrap_or_default();
    let slow_with = slow_appends(scene).await - began - slow_without;
    scene.figures.notes.push(format!(
        "p99 of the others without large prompts {without:.0?}, with {with:.0?}; \
         {slow_without} and {slow_with} appends took more than 25 ms"
    ));
}

/// The number of appends to the journal that took more than 25 ms.
async fn slow_appends(scene: &Scene) -> f64 {
    let member = &scene.members[0];
    let all = member.metric(APPENDS[0]).await.unwrap_or_default();
    all - member.metric(APPENDS[1]).await.unwrap_or_default()
}
