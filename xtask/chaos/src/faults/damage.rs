//! Damage to the journal: a flipped byte, a removed file, a removed directory.

use super::outage::Outage;
use crate::scene::{Scene, wait};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// The bytes of the header of a file. Damage there loses nothing.
const HEADER_BYTES: usize = 128;

/// The size of a prompt that fills files quickly.
const FILLING_PROMPT: usize = 2 << 20;

/// The size of the journal, in bytes, above which the projector reads its first file from the disk instead of memory.
const MEMORY_LIMIT: f64 = 80e6;

/// The time in which a gateway must notice a removed file, with a reserve for a busy machine.
const REMOVAL_LIMIT: Duration = Duration::from_millis(1500);

const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// Flips a byte of unprojected records while the gateway does not run.
pub(super) async fn flipped_at_rest(scene: &mut Scene) -> Result<()> {
    let outage = Outage::usual(scene);
    let guard = outage.begin(scene).await?;
    scene.wait_for_responses(200).await;
    scene.stop_load().await;
    scene.members[0].kill().await;
    let file = flip(scene)?;
    outage.end(scene, guard).await?;
    scene.start_member(0).await;
    expect_named(scene, &file).await;
    scene.start_load();
    scene.wait_for_responses(50).await;
    Ok(())
}

/// Flips a byte of unprojected records in the first file, while the gateway writes others.
pub(super) async fn flipped_live(scene: &mut Scene) -> Result<()> {
    let outage = Outage::usual(scene);
    let guard = outage.begin(scene).await?;
    scene.add_large_client(FILLING_PROMPT, Duration::ZERO);
    let member = &scene.members[0];
    let is_filled =
        async || member.metric("aibridge_journal_bytes").await.is_ok_and(|bytes| bytes > MEMORY_LIMIT);
    ensure!(wait(WAIT_LIMIT, is_filled).await.is_some(), "the journal does not grow");
    scene.stop_load().await; // clients may be faster than the database
    let file = flip(scene)?;
    scene.start_load();
    outage.end(scene, guard).await?;
    scene.wait_for_responses(50).await;
    scene.wait_projected_under_load().await;
    expect_named(scene, &file).await;
    Ok(())
}

/// Removes a part of the journal while the gateway runs and the database is available: accepted frames are in memory.
pub(super) async fn removed(scene: &mut Scene, remove: fn(&Path) -> Result<()>) -> Result<()> {
    scene.wait_for_responses(100).await;
    remove(scene.members[0].journal())?;
    scene.expect_ready(0, false, REMOVAL_LIMIT).await;
    let refused = scene.ledger.refused();
    sleep(REMOVAL_LIMIT).await; // open responses end
    let whole = scene.ledger.whole();
    sleep(REMOVAL_LIMIT).await;
    let (more_whole, more_refused) = (scene.ledger.whole() - whole, scene.ledger.refused() - refused);
    if more_whole > 0 || more_refused == 0 {
        scene.note_broken_promise(format!(
            "after the removal, {more_whole} requests were served and {more_refused} refused"
        ));
    }
    scene.stop_load().await;
    scene.members[0].stop().await;
    scene.start_member(0).await;
    scene.start_load();
    scene.wait_for_responses(50).await;
    Ok(())
}

/// Removes the file to which the journal appends.
pub(super) fn remove_last_file(journal: &Path) -> Result<()> {
    let last = files(journal)?.pop().context("the journal has no file")?;
    Ok(fs::remove_file(last)?)
}

pub(super) fn remove_directory(journal: &Path) -> Result<()> {
    Ok(fs::remove_dir_all(journal)?)
}

/// Flips a random bit of a frame in the first file of gateway 0, and returns the file's name. One response may be lost.
fn flip(scene: &mut Scene) -> Result<String> {
    let first = files(scene.members[0].journal())?.into_iter().next().context("the journal has no file")?;
    let mut bytes = fs::read(&first)?;
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap_or_default();
    // Not near the end, where it would look like a torn write.
    let end = end.saturating_sub(end / 5);
    ensure!(end > HEADER_BYTES, "{} has no frames", first.display());
    let at = scene.rng.usize(HEADER_BYTES..end);
    let bit = scene.rng.u8(..8);
    bytes[at] ^= 1 << bit;
    // Written in place: a new file would count as a removed one.
    let file = fs::File::options().write(true).open(&first)?;
    std::os::unix::fs::FileExt::write_at(&file, &bytes[at..=at], at as u64)?;
    scene.figures.loss_allowed += 1;
    let name = first.file_name().unwrap_or_default().to_string_lossy().into_owned();
    scene.figures.notes.push(format!("bit {bit} of byte {at} of {name} was flipped"));
    Ok(name)
}

/// Records a broken promise unless the log names `file`.
async fn expect_named(scene: &mut Scene, file: &str) {
    let member = &scene.members[0];
    if wait(Duration::from_secs(5), async || member.log().contains(file)).await.is_none() {
        scene.note_broken_promise(format!("the log does not name the damaged file {file}"));
    }
}

/// The files with frames, oldest first.
fn files(journal: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(journal)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "journal") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
