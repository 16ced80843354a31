//! Catches up before a command reads: waits for the projector of a running gateway, or projects the journal of a gateway
//! that does not run.

use crate::journals::{candidates, open_left};
use crate::observe::CommitObserver;
use crate::progress::Progress;
use crate::projector::{Projector, Sink};
use aibridge_journal::{OpenError, Peek, peek};
use aibridge_store_core::{JournalOptions, StoreError};
use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;
use tokio::runtime::Builder;
use uuid::Uuid;

/// Time for which a command waits for a running gateway.
const WAIT: Duration = Duration::from_millis(500);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Brings the database up to date with the journals of `options`. Returns messages for the user: for each journal that
/// could not be projected, so that the database may lack its records, and for each damage in one that was.
///
/// `position` reads how far a journal is projected, and `sink` opens a connection that can write.
pub fn catch_up<S: Sink>(
    options: &JournalOptions,
    mut position: impl FnMut(Uuid) -> Result<u64, StoreError>,
    mut sink: impl FnMut() -> Result<S, StoreError>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for directory in candidates(&options.directory) {
        let found = match peek(&directory) {
            Ok(None) => continue,
            Ok(Some(found)) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // a file that was just removed
            Err(error) => {
                notes.push(format!("cannot see whether records wait in {}: {error}", directory.display()));
                continue;
            }
        };
        let problem = catch_up_one(&directory, found, &mut position, &mut sink, &mut notes);
        notes.extend(problem);
    }
    notes
}

fn catch_up_one<S: Sink>(
    directory: &Path,
    found: Peek,
    position: &mut impl FnMut(Uuid) -> Result<u64, StoreError>,
    sink: &mut impl FnMut() -> Result<S, StoreError>,
    damages: &mut Vec<String>,
) -> Option<String> {
    let cannot = |error: &dyn Display| {
        Some(format!("records may wait in {}, and are not shown: {error}", directory.display()))
    };
    let mut waited = Duration::ZERO;
    loop {
        match position(found.journal) {
            Ok(position) if position >= found.last => return None,
            Ok(_) => {}
            Err(error) => return cannot(&error),
        }
        if waited.is_zero() && is_own(directory) {
            match open_left(directory) {
                Ok(None) => return None,
                Ok(Some(left)) => {
                    let shown = left.recovery.damage.iter().map(|damage| {
                        format!(
                            "the journal {} is damaged, and its file is kept: {damage}",
                            directory.display()
                        )
                    });
                    damages.extend(shown);
                    let projected = sink().and_then(|sink| project(left.journal, sink));
                    return projected.err().and_then(|error| cannot(&error));
                }
                Err(OpenError::Locked) => {}
                Err(error) => return cannot(&error),
            }
        }
        if waited >= WAIT {
            return cannot(if is_own(directory) {
                &"the gateway has not stored them in the database yet"
            } else {
                &"the gateway has not stored them yet; if it does not run, run this command as its user"
            });
        }
        sleep(POLL_INTERVAL);
        waited += POLL_INTERVAL;
    }
}

/// Whether this user owns the directory. Files that another user creates there would be in the way of the gateway.
fn is_own(directory: &Path) -> bool {
    fs::metadata(directory).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw())
}

/// Projects all frames of a journal.
fn project<S: Sink>(journal: Arc<aibridge_journal::Journal>, mut sink: S) -> Result<(), StoreError> {
    let failed = |error: &dyn Display| StoreError::Database(error.to_string());
    let progress = Arc::new(Progress::new(journal.clone()));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    let projected = runtime.block_on(async {
        let mut projector =
            Projector::new(journal.clone(), progress.clone(), Arc::<CommitObserver>::default(), None);
        projector.seek(&mut sink).await?;
        while projector.step(&mut sink).await? {}
        Ok::<_, crate::projector::SinkError>(())
    });
    let waiting = progress.stats().lag_records;
    // Nothing was appended, so nothing has to become durable.
    let _ = journal.close();
    projected.map_err(|error| StoreError::Database(format!("{error} ({waiting} calls wait)")))
}
