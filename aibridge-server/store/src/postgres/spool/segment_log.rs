//! Segment files: a queue of payloads on disk, in files of bounded size.

use super::frame;
use crate::private_file::owner_only;
use crate::{Durability, SpoolOptions};
use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Size in bytes from which on a new file begins. Drained data is deleted by the file, so this is also the maximum
/// that is drained twice after a crash, which has no effect.
const SEGMENT: u64 = 8 << 20;

const SUFFIX: &str = "spool";

/// A queue of payloads in the files of one directory, locked by one process.
pub(super) struct SegmentLog {
    dir: PathBuf,
    _lock: File,
    /// The segments, oldest first.
    segments: VecDeque<Segment>,
    /// The last segment, if it accepts more.
    tail: Option<File>,
    /// Number of removed bytes of the first segment.
    head: u64,
    next: u64,
    max_bytes: u64,
    durability: Durability,
}

struct Segment {
    number: u64,
    len: u64,
}

/// A payload to append. End records may exceed the size limit by an eighth, because open interceptions have to end.
pub(super) struct Payload {
    pub(super) bytes: Vec<u8>,
    pub(super) is_start: bool,
}

impl SegmentLog {
    pub(super) fn open(options: &SpoolOptions) -> io::Result<Self> {
        let dir = options.dir.clone();
        let mut builder = DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&dir)?;
        let lock = owner_only().create(true).open(dir.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other("another gateway uses it"),
            TryLockError::Error(error) => error,
        })?;
        let mut numbers: Vec<u64> =
            fs::read_dir(&dir)?.filter_map(|entry| number(&entry.ok()?.path())).collect();
        numbers.sort_unstable();
        let mut log = Self {
            dir,
            _lock: lock,
            segments: VecDeque::new(),
            tail: None,
            head: 0,
            next: numbers.last().map_or(1, |last| last + 1),
            max_bytes: options.max_bytes,
            durability: options.durability,
        };
        for number in &numbers {
            let len = log.check(*number, Some(number) == numbers.last())?;
            match len {
                0 => fs::remove_file(log.path(*number))?,
                _ => log.segments.push_back(Segment { number: *number, len }),
            }
        }
        Ok(log)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Size of the queue in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum::<u64>() - self.head
    }

    /// Appends the payloads that fit, all in one write; returns for each whether it fits.
    pub(super) fn append(&mut self, payloads: &[Payload]) -> io::Result<Vec<bool>> {
        let used: u64 = self.segments.iter().map(|segment| segment.len).sum();
        let (mut buffer, mut fits) = (Vec::new(), Vec::with_capacity(payloads.len()));
        for Payload { bytes, is_start } in payloads {
            let room = if *is_start { self.max_bytes } else { self.max_bytes + self.max_bytes / 8 };
            let has_room = used + buffer.len() as u64 + frame::size(bytes.len()) <= room;
            if has_room {
                frame::push(&mut buffer, bytes)?;
            }
            fits.push(has_room);
        }
        if !buffer.is_empty() {
            self.write(&buffer)?;
        }
        Ok(fits)
    }

    fn write(&mut self, buffer: &[u8]) -> io::Result<()> {
        let full = self.segments.back().is_some_and(|segment| segment.len >= SEGMENT);
        let mut file = match self.tail.take().filter(|_| !full) {
            Some(file) => file,
            None => self.begin()?,
        };
        let segment = self.segments.back_mut().ok_or(io::ErrorKind::NotFound)?;
        let written = file.write_all(buffer).and_then(|()| match self.durability {
            Durability::Process => Ok(()),
            Durability::Power => file.sync_data(),
        });
        match written {
            Ok(()) => {
                segment.len += buffer.len() as u64;
                self.tail = Some(file);
                Ok(())
            }
            Err(error) => {
                // A partial write was never confirmed. If it cannot be truncated, the next write starts a new file.
                let len = segment.len;
                let cut = file.set_len(len).and_then(|()| file.seek(SeekFrom::Start(len)));
                if len == 0 {
                    let number = segment.number;
                    self.segments.pop_back();
                    let _ = fs::remove_file(self.path(number));
                } else if cut.is_ok() {
                    self.tail = Some(file);
                }
                Err(error)
            }
        }
    }

    fn begin(&mut self) -> io::Result<File> {
        let number = self.next;
        let file = owner_only().create_new(true).open(self.path(number))?;
        if self.durability == Durability::Power {
            File::open(&self.dir)?.sync_all()?;
        }
        self.next += 1;
        self.segments.push_back(Segment { number, len: 0 });
        Ok(file)
    }

    /// The oldest payloads, about `max_bytes` but at least one, and the number of bytes to [remove](Self::remove)
    /// after storing them.
    pub(super) fn read(&self, max_bytes: u64) -> io::Result<(Vec<Vec<u8>>, u64)> {
        let Some(segment) = self.segments.front() else { return Ok((Vec::new(), 0)) };
        let mut file = BufReader::new(File::open(self.path(segment.number))?);
        file.seek(SeekFrom::Start(self.head))?;
        let (mut payloads, mut bytes) = (Vec::new(), 0);
        while self.head + bytes < segment.len && bytes < max_bytes {
            let payload = frame::read(&mut file)?.ok_or(io::ErrorKind::InvalidData)?;
            bytes += frame::size(payload.len());
            payloads.push(payload);
        }
        Ok((payloads, bytes))
    }

    /// Removes bytes from the front of the queue.
    pub(super) fn remove(&mut self, bytes: u64) -> io::Result<()> {
        self.head += bytes;
        let Some(segment) = self.segments.front() else { return Ok(()) };
        if self.head < segment.len {
            return Ok(());
        }
        let path = self.path(segment.number);
        self.segments.pop_front();
        self.head = 0;
        if self.segments.is_empty() {
            self.tail = None;
        }
        fs::remove_file(path)
    }

    /// Returns the length of the intact part of a segment, and truncates the rest. In the last segment the rest is an
    /// interrupted write, which was never confirmed. In others the disk lost data: a copy of the file is kept.
    fn check(&self, number: u64, is_last: bool) -> io::Result<u64> {
        let path = self.path(number);
        let file = owner_only().open(&path)?;
        let len = file.metadata()?.len();
        let (mut shared, mut whole) = (BufReader::new(&file), 0);
        while let Some(payload) = frame::read(&mut shared)? {
            whole += frame::size(payload.len());
        }
        if whole < len {
            let lost = len - whole;
            if is_last {
                tracing::warn!(file = %path.display(), lost, "the last write to the spool was interrupted and is discarded");
            } else {
                let aside = path.with_extension("damaged");
                tracing::error!(
                    file = %path.display(), lost, aside = %aside.display(),
                    "a file of the spool is damaged; the readable part is used, and a copy of the file is kept"
                );
                fs::copy(&path, aside)?;
            }
            file.set_len(whole)?;
        }
        Ok(whole)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:020}.{SUFFIX}"))
    }
}

fn number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(SUFFIX)?.strip_suffix('.')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn open(dir: &TempDir) -> SegmentLog {
        let options =
            SpoolOptions { dir: dir.path().to_owned(), max_bytes: 1 << 30, durability: Durability::Process };
        SegmentLog::open(&options).expect("a log")
    }

    fn payload(number: u32) -> Payload {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(3 << 20, 0xa5);
        Payload { bytes, is_start: true }
    }

    fn numbers(payloads: &[Vec<u8>]) -> Vec<u32> {
        payloads.iter().map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
    }

    fn files(dir: &TempDir, suffix: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(dir.path()).expect("a directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|end| end == suffix)).collect();
        files.sort();
        files
    }

    #[test]
    fn payloads_come_back_in_order_over_many_files_and_runs() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = open(&dir);
        for number in 0..10 {
            assert_eq!(log.append(&[payload(number)]).expect("written"), [true]);
        }
        assert_eq!(files(&dir, SUFFIX).len(), 4, "three to a file");
        let (first, bytes) = log.read(1).expect("read");
        assert_eq!(numbers(&first), [0]);
        log.remove(bytes).expect("removed");
        assert_eq!(log.bytes(), 9 * frame::size(3 << 20));
        drop(log);

        let mut log = open(&dir);
        log.append(&[payload(10)]).expect("written");
        let mut all = Vec::new();
        while !log.is_empty() {
            let (some, bytes) = log.read(7 << 20).expect("read");
            all.extend(numbers(&some));
            log.remove(bytes).expect("removed");
        }
        let expected: Vec<u32> = (0..11).collect(); // the first once more: its file was still there
        assert_eq!(all, expected);
        assert_eq!(files(&dir, SUFFIX), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn the_readable_part_of_a_damaged_file_is_used_and_a_copy_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = open(&dir);
        for number in 0..6 {
            log.append(&[payload(number)]).expect("written");
        }
        drop(log);
        let damaged = files(&dir, SUFFIX).swap_remove(0);
        let mut bytes = fs::read(&damaged).expect("a file");
        bytes[(3 << 20) + 100] ^= 1; // in the second payload
        fs::write(&damaged, &bytes).expect("written");
        let log = open(&dir);
        assert_eq!(numbers(&log.read(1 << 30).expect("read").0), [0]);
        assert_eq!(log.bytes(), 4 * frame::size(3 << 20));
        assert_eq!(fs::read(&files(&dir, "damaged")[0]).expect("a file"), bytes);
    }

    #[test]
    fn a_log_is_locked_by_one_process() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = open(&dir);
        let options =
            SpoolOptions { dir: dir.path().to_owned(), max_bytes: 1, durability: Durability::Power };
        assert!(
            SegmentLog::open(&options)
                .err()
                .is_some_and(|error| error.to_string().contains("another gateway"))
        );
        drop(log);
        let mut log = SegmentLog::open(&options).expect("a log");
        assert_eq!(log.append(&[payload(0)]).expect("no failure"), [false], "it is full");
        assert!(log.is_empty());
    }
}
