//! One client with prompts of 60 MB: measures their effect on the latency of the other clients.

use crate::scene::Scene;
use std::time::Duration;
use tokio::time::sleep;

/// The size of the prompts in bytes.
const LARGE_PROMPT: usize = 60_000_000;

/// Compares the latency of the usual requests without and with large prompts.
pub(super) async fn compare_latency(scene: &mut Scene, duration: Duration) {
    scene.wait_for_responses(100).await;
    scene.note_latency();
    sleep(duration * 2).await;
    let without = scene.note_latency().unwrap_or_default();
    scene.add_large_client(LARGE_PROMPT, Duration::ZERO);
    sleep(duration * 4).await;
    let with = scene.note_latency().unwrap_or_default();
    scene
        .figures
        .notes
        .push(format!("p99 of the other clients: {without:.0?} without large prompts, {with:.0?} with them"));
}
