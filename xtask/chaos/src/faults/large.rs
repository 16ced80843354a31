//! One client with prompts of 60 MB: what the others notice.

use crate::scene::Scene;
use std::time::Duration;
use tokio::time::sleep;

/// The size of the prompts.
const LARGE_PROMPT: usize = 60_000_000;

/// Compares the latency of usual requests without and with the large ones.
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
        .push(format!("p99 of the others without large prompts {without:.0?}, with {with:.0?}"));
}
