use crate::complaints::WarnThrottle;
use crate::queue::{DumpFile, Job};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

/// Prompts and answers are for the operator's eyes alone.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// At the end of what the disk was too slow for.
const CUT_SHORT: &[u8] = b"\r\n[aibridge: cut short here, the disk did not keep up]\r\n";

/// Writes files, one piece after the other. Between pieces at most one is open, so that open streams cost no handles.
pub(crate) struct Writer {
    complaints: Arc<WarnThrottle>,
    open: Option<(Arc<DumpFile>, File)>,
}

impl Writer {
    pub(crate) fn new(complaints: Arc<WarnThrottle>) -> Self {
        Self { complaints, open: None }
    }

    /// Writes until it is told to stop, or nobody can tell any more.
    pub(crate) fn run(mut self, jobs: Receiver<Job>) {
        loop {
            let job = jobs.try_recv().or_else(|_| {
                self.open = None; // nothing is held open while there is nothing to do
                jobs.recv()
            });
            match job {
                Ok(Job::Append(file, piece)) => self.append(&file, &piece.bytes),
                Ok(Job::CutShort(file)) => self.append(&file, CUT_SHORT),
                Ok(Job::Stop) | Err(_) => return,
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
        let is_removed = error.kind() == ErrorKind::NotFound && file.begun.load(Ordering::Relaxed);
        if !is_removed {
            self.complaints.cut_short(&file.path, &error);
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

/// Makes `file` and its folders, or opens it once more. What is there already is somebody else's and left alone.
fn open(file: &DumpFile) -> io::Result<File> {
    if file.begun.load(Ordering::Relaxed) {
        return OpenOptions::new().append(true).open(&file.path);
    }
    if let Some(folder) = file.path.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    }
    let made = OpenOptions::new().append(true).create_new(true).mode(FILE_MODE).open(&file.path)?;
    file.begun.store(true, Ordering::Relaxed);
    Ok(made)
}
