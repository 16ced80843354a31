//! The bounded queue between requests and the thread that writes dumps.

use crate::failure_log::FailureLog;
use bytes::Bytes;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

/// The highest number of pieces in the queue: enough for a burst, and little compared to the memory of the open requests.
const MAX_PIECES: usize = 8192;

/// The highest number of bytes in the queue.
const MAX_BYTES: usize = 64 << 20;

/// One file of a dump.
#[derive(Debug)]
pub(crate) struct DumpFile {
    pub(crate) path: PathBuf,
    /// Whether a piece of the file is or was in the queue.
    is_queued: AtomicBool,
    /// Whether the writer has created the file. Used by the writer only.
    pub(crate) is_created: AtomicBool,
    /// Whether writing failed. Used by the writer only.
    pub(crate) has_failed: AtomicBool,
    /// Whether the file takes no more data: a dump with a gap would mislead its reader.
    is_stopped: AtomicBool,
}

/// A job of the writer.
#[derive(Debug)]
pub(crate) enum Job {
    /// Appends a piece to a file.
    Append(Arc<DumpFile>, Piece),
    /// Appends the note that the file is incomplete. At most one job for each open file.
    CutShort(Arc<DumpFile>),
    /// Ends the thread.
    Shutdown,
}

/// Bytes that count towards the bounds of the queue until they are dropped.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) bytes: Bytes,
    usage: Arc<Mutex<QueueUsage>>,
}

/// The sending half of the queue. Sending never blocks.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    jobs: Sender<Job>,
    usage: Arc<Mutex<QueueUsage>>,
    warnings: Arc<FailureLog>,
}

/// The pieces and bytes in the queue.
#[derive(Debug, Default)]
struct QueueUsage {
    pieces: usize,
    bytes: usize,
}

impl DumpFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        let no = || AtomicBool::new(false);
        Self { path, is_queued: no(), is_created: no(), has_failed: no(), is_stopped: no() }
    }

    /// Stops the file from taking data. Returns whether it took data until now.
    pub(crate) fn stop(&self) -> bool {
        !self.is_stopped.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

impl Queue {
    /// Creates the two halves of a queue.
    pub(crate) fn new(warnings: Arc<FailureLog>) -> (Self, Receiver<Job>) {
        let (jobs, receiver) = mpsc::channel();
        (Self { jobs, usage: Arc::default(), warnings }, receiver)
    }

    /// Queues `bytes` for `file`, or ends the file with a note if the queue is full.
    pub(crate) fn append(&self, file: &Arc<DumpFile>, bytes: Bytes) {
        if bytes.is_empty() || file.is_stopped() {
            return;
        }
        if QueueUsage::reserve(&self.usage, bytes.len()) {
            file.is_queued.store(true, Ordering::Relaxed);
            self.send(Job::Append(file.clone(), Piece { bytes, usage: self.usage.clone() }));
        } else if file.stop() {
            self.warnings.cut_short(&file.path, &"the disk does not keep up");
            if file.is_queued.load(Ordering::Relaxed) {
                self.send(Job::CutShort(file.clone()));
            }
        }
    }

    /// Ends the writer after the jobs that are in the queue.
    pub(crate) fn shut_down(&self) {
        self.send(Job::Shutdown);
    }

    fn send(&self, job: Job) {
        let _writer_ended = self.jobs.send(job);
    }
}

impl QueueUsage {
    /// Reserves space for a piece and returns whether there was any. A piece larger than the bound fits into an empty
    /// queue.
    fn reserve(usage: &Mutex<Self>, bytes: usize) -> bool {
        let mut usage = usage.lock();
        let fits = usage.pieces == 0 || usage.pieces < MAX_PIECES && usage.bytes + bytes <= MAX_BYTES;
        if fits {
            usage.pieces += 1;
            usage.bytes += bytes;
        }
        fits
    }
}

impl Drop for Piece {
    /// Releases the reserved space.
    fn drop(&mut self) {
        let mut usage = self.usage.lock();
        usage.pieces -= 1;
        usage.bytes -= self.bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quanta::Clock;

    fn queue() -> (Queue, Receiver<Job>) {
        Queue::new(Arc::new(FailureLog::new(Clock::new())))
    }

    fn file(name: &str) -> Arc<DumpFile> {
        Arc::new(DumpFile::new(name.into()))
    }

    /// Drains the queue: `name` for a piece, `name!` for the note that the file is incomplete.
    fn drain(jobs: &Receiver<Job>) -> Vec<String> {
        let name = |file: &DumpFile| file.path.display().to_string();
        let describe = |job| match job {
            Job::Append(file, _) => name(&file),
            Job::CutShort(file) => name(&file) + "!",
            Job::Shutdown => String::new(),
        };
        jobs.try_iter().map(describe).collect()
    }

    #[test]
    fn bounds_pieces_and_bytes_and_cuts_a_file_once() {
        for (size, fit) in [(1, MAX_PIECES), (1 << 20, MAX_BYTES >> 20)] {
            let (queue, jobs) = queue();
            let piece = Bytes::from(vec![0; size]);
            let (long, late) = (file("long"), file("late"));
            for _ in 0..fit + 3 {
                queue.append(&long, piece.clone());
            }
            queue.append(&late, piece.clone());
            let drained = drain(&jobs);
            assert_eq!((drained.len(), drained.last().unwrap().as_str()), (fit + 1, "long!"));

            queue.append(&long, piece.clone());
            queue.append(&late, piece.clone());
            queue.append(&file("new"), piece);
            assert_eq!(drain(&jobs), ["new"], "new files fit again, files with a gap stay stopped");
        }
    }

    #[test]
    fn an_empty_queue_takes_a_piece_larger_than_the_bound() {
        let (queue, jobs) = queue();
        let huge = Bytes::from(vec![0; MAX_BYTES + 1]);
        queue.append(&file("first"), huge.clone());
        queue.append(&file("second"), huge);
        queue.append(&file("third"), Bytes::from_static(b"x"));
        assert_eq!(drain(&jobs), ["first"]);
    }
}
