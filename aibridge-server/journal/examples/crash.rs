//! Appends, crashes in the middle of an append, recovers and reads: `cargo run -p aibridge-journal --example crash`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use aibridge_journal::{Durability, Journal, Options};
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

const STARTED: u16 = 1;
const ENDED: u16 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("journal");
    let id = first_process(&path).await?;
    tear(&path)?;
    second_process(&path, id)
}

/// Appends three frames and dies without closing the journal.
async fn first_process(path: &Path) -> Result<String, Box<dyn Error>> {
    let options = Options { durability: Durability::Power, ..Options::default() };
    let (journal, _) = Journal::open(path, options)?;
    let (_, mut first) = journal.append_start(STARTED, "first starts".into(), 4096)?;
    let (started, _second) = journal.append_start(STARTED, "second starts".into(), 4096)?;
    journal.durable(started).await?; // Both are on the disk: the work may begin.
    let ended = journal.append_end(ENDED, "first ends".into(), &mut first)?;
    journal.durable(ended).await?;
    println!("appended up to {ended}");
    Ok(journal.id().to_string())
}

/// Leaves half a frame at the end, as a crash in the middle of a write does.
fn tear(path: &Path) -> Result<(), Box<dyn Error>> {
    let last = fs::read_dir(path)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .max()
        .ok_or("no file")?;
    let content = fs::read(&last)?;
    let end = content.iter().rposition(|byte| *byte != 0).ok_or("no frame")? + 1;
    OpenOptions::new().write(true).open(&last)?.write_all_at(b"half a fra", end as u64)?;
    Ok(())
}

/// Finds the three frames again, and goes on as the same journal.
fn second_process(path: &Path, id: String) -> Result<(), Box<dyn Error>> {
    let (journal, recovery) = Journal::open(path, Options::default())?;
    println!("recovered {:?}, cut {:?}", recovery.frames, recovery.torn);
    assert_eq!(journal.id().to_string(), id);
    let mut reader = journal.reader(0);
    loop {
        let batch = reader.read(64 << 10)?;
        let Some(last) = batch.frames.last() else { break };
        for frame in &batch.frames {
            println!("{} kind {}: {:?}", frame.head.sequence, frame.head.kind, frame.payload);
        }
        // Here a database would commit the rows and the position in one transaction.
        journal.release(last.head.sequence)?;
    }
    println!("{} bytes are left", journal.stats().bytes);
    journal.close()?;
    Ok(())
}
