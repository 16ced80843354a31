//! The thread that writes dump files.

use crate::failure_log::FailureLog;
use crate::queue::{DumpFile, Job};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

/// Only the user of the gateway may read dumps, because they contain prompts and responses.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The note at the end of a file that is incomplete because the disk was too slow.
const CUT_SHORT: &[u8] = b"\r\n[aibridge: cut short here, the disk did not keep up]\r\n";

/// Appends pieces to files. At most one file is open at a time, so open streams use no file descriptors.
pub(crate) struct Writer {
    warnings: Arc<FailureLog>,
    open: Option<(Arc<DumpFile>, File)>,
}

impl Writer {
    pub(crate) fn new(warnings: Arc<FailureLog>) -> Self {
        Self { warnings, open: None }
    }

    /// Runs jobs until [`Job::Shutdown`], or until all senders are gone.
    pub(crate) fn run(mut self, jobs: Receiver<Job>) {
        loop {
            let job = jobs.try_recv().or_else(|_| {
                self.open = None; // no file stays open while the queue is empty
                jobs.recv()
            });
            match job {
                Ok(Job::Append(file, piece)) => self.append(&file, &piece.bytes),
                Ok(Job::CutShort(file)) => self.append(&file, CUT_SHORT),
                Ok(Job::Shutdown) | Err(_) => return,
            }
        }
    }

    fn append(&mut self, file: &Arc<DumpFile>, bytes: &[u8]) {
        if file.has_failed.load(Ordering::Relaxed) {
            return;
        }
        let Err(error) = self.try_append(file, bytes) else { return };
        self.open = None;
        file.has_failed.store(true, Ordering::Relaxed);
        file.stop();
        let is_removed = error.kind() == ErrorKind::NotFound && file.is_created.load(Ordering::Relaxed);
        if !is_removed {
            self.warnings.cut_short(&file.path, &error);
        }
    }

    fn try_append(&mut self, file: &Arc<DumpFile>, bytes: &[u8]) -> io::Result<()> {
        let opened = match self.open.take() {
            Some((last, opened)) if Arc::ptr_eq(&last, file) => opened,
            _ => open(file)?,
        };
        let (_, opened) = self.open.insert((file.clone(), opened));
        opened.write_all(bytes)
    }
}

/// Creates `file` and its folders, or opens it again. A file that exists already belongs to another process: it is an error.
fn open(file: &DumpFile) -> io::Result<File> {
    if file.is_created.load(Ordering::Relaxed) {
        return OpenOptions::new().append(true).open(&file.path);
    }
    if let Some(folder) = file.path.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    }
    let created = OpenOptions::new().append(true).create_new(true).mode(FILE_MODE).open(&file.path)?;
    file.is_created.store(true, Ordering::Relaxed);
    Ok(created)
}
