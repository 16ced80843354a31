use crate::complaints::WarnThrottle;
use bytes::Bytes;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

/// What may wait for the disk: enough for a burst, little beside what the open requests themselves hold.
const PIECES_AT_MOST: usize = 8192;
const BYTES_AT_MOST: usize = 64 << 20;

/// One file of a dump.
#[derive(Debug)]
pub(crate) struct DumpFile {
    pub(crate) path: PathBuf,
    /// Some of it is, or was, in the queue.
    queued: AtomicBool,
    /// Some of it is written. Only the writer looks at this.
    pub(crate) begun: AtomicBool,
    /// It cannot be written. Only the writer looks at this.
    pub(crate) has_failed: AtomicBool,
    /// Nothing more goes there: a dump with a hole would be worse than none.
    stopped: AtomicBool,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Job {
    /// Appends to a file.
    Append(Arc<DumpFile>, Piece),
    /// Says in the file that there would be more of it. At most one for each file in the making.
    CutShort(Arc<DumpFile>),
    /// Ends.
    Stop,
}

/// Bytes that take up room in the queue.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) bytes: Bytes,
    room: Arc<Mutex<Taken>>,
}

/// The queue to the writer. It never makes anyone wait.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    jobs: Sender<Job>,
    room: Arc<Mutex<Taken>>,
    complaints: Arc<WarnThrottle>,
}

#[derive(Debug, Default)]
struct Taken {
    pieces: usize,
    bytes: usize,
}

impl DumpFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        let no = || AtomicBool::new(false);
        Self { path, queued: no(), begun: no(), has_failed: no(), stopped: no() }
    }

    /// Takes no more; whether it did until now.
    pub(crate) fn stop(&self) -> bool {
        !self.stopped.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl Queue {
    /// A queue and where it ends.
    pub(crate) fn new(complaints: Arc<WarnThrottle>) -> (Self, Receiver<Job>) {
        let (jobs, receiver) = mpsc::channel();
        (Self { jobs, room: Arc::default(), complaints }, receiver)
    }

    /// Appends to `file`, or cuts it short if there is no room.
    pub(crate) fn append(&self, file: &Arc<DumpFile>, bytes: Bytes) {
        if bytes.is_empty() || file.is_stopped() {
            return;
        }
        if Taken::take(&self.room, bytes.len()) {
            file.queued.store(true, Ordering::Relaxed);
            self.put(Job::Append(file.clone(), Piece { bytes, room: self.room.clone() }));
        } else if file.stop() {
            self.complaints.cut_short(&file.path, &"the disk does not keep up");
            if file.queued.load(Ordering::Relaxed) {
                self.put(Job::CutShort(file.clone()));
            }
        }
    }

    /// Lets the writer end when it has done what is in the queue.
    pub(crate) fn stop(&self) {
        self.put(Job::Stop);
    }

    fn put(&self, job: Job) {
        let _stopped = self.jobs.send(job);
    }
}

impl Taken {
    /// Whether there is room. A piece larger than all of it has room when nothing else is waiting.
    fn take(room: &Mutex<Self>, bytes: usize) -> bool {
        let mut taken = room.lock();
        let fits = taken.pieces == 0 || taken.pieces < PIECES_AT_MOST && taken.bytes + bytes <= BYTES_AT_MOST;
        if fits {
            taken.pieces += 1;
            taken.bytes += bytes;
        }
        fits
    }
}

impl Drop for Piece {
    /// Gives the room back, whatever became of the piece.
    fn drop(&mut self) {
        let mut taken = self.room.lock();
        taken.pieces -= 1;
        taken.bytes -= self.bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quanta::Clock;

    fn queue() -> (Queue, Receiver<Job>) {
        Queue::new(Arc::new(WarnThrottle::new(Clock::new())))
    }

    fn file(name: &str) -> Arc<DumpFile> {
        Arc::new(DumpFile::new(name.into()))
    }

    /// `name` for a piece, `name!` for the mark of a cut.
    fn told(jobs: &Receiver<Job>) -> Vec<String> {
        let name = |file: &DumpFile| file.path.display().to_string();
        let tell = |job| match job {
            Job::Append(file, _) => name(&file),
            Job::CutShort(file) => name(&file) + "!",
            Job::Stop => String::new(),
        };
        jobs.try_iter().map(tell).collect()
    }

    #[test]
    fn pieces_and_bytes_are_bounded_and_a_file_that_finds_no_room_is_cut_once() {
        for (size, fit) in [(1, PIECES_AT_MOST), (1 << 20, BYTES_AT_MOST >> 20)] {
            let (queue, jobs) = queue();
            let piece = Bytes::from(vec![0; size]);
            let (long, late) = (file("long"), file("late"));
            for _ in 0..fit + 3 {
                queue.append(&long, piece.clone());
            }
            queue.append(&late, piece.clone());
            let told_now = told(&jobs);
            assert_eq!((told_now.len(), told_now.last().unwrap().as_str()), (fit + 1, "long!"));

            queue.append(&long, piece.clone());
            queue.append(&late, piece.clone());
            queue.append(&file("new"), piece);
            assert_eq!(told(&jobs), ["new"], "there is room again, but not for files with a hole");
        }
    }

    #[test]
    fn what_is_larger_than_the_queue_may_wait_alone() {
        let (queue, jobs) = queue();
        let huge = Bytes::from(vec![0; BYTES_AT_MOST + 1]);
        queue.append(&file("first"), huge.clone());
        queue.append(&file("second"), huge);
        queue.append(&file("third"), Bytes::from_static(b"x"));
        assert_eq!(told(&jobs), ["first"]);
    }
}
