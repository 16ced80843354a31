//! Reads the directory of a journal in any state, e.g. after a crash. Changes nothing.

mod verify;

use crate::digest::Digest;
use crate::disk::Disk;
use crate::header::{DAMAGED, FileName, Header, HeaderError, PREPARED};
use crate::identity::{self, IDENTITY, IDENTITY_NEW, Identity, IdentityFile};
use crate::report::{Fault, Recovery, TornFrame};
use crate::scan::{self, Run, Scan};
use crate::segment::{Segment, StoredFile, choose};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use uuid::Uuid;

/// The reason that a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process uses the directory.
    #[error("another process uses the journal; stop that process, or choose another directory")]
    Locked,
    /// A later version wrote the file.
    #[error(
        "{file} has format {version}, which this version cannot read; use the version that wrote the journal"
    )]
    Version {
        /// The name of the file.
        file: String,
        /// The version of its format.
        version: u32,
    },
    /// The file system refused something.
    #[error("cannot use {file} of the journal: {error}")]
    Io {
        /// The name of the file.
        file: String,
        /// The error of the file system.
        error: io::Error,
    },
}

impl OpenError {
    /// Wraps an error of the file system with the name of the file that it concerns.
    pub fn io(file: &str) -> impl FnOnce(io::Error) -> Self {
        |error| Self::Io { file: file.to_owned(), error }
    }
}

/// The state of a directory after its recovery: a [`Recovery`] to report, and the values with which a journal continues.
#[derive(Debug)]
pub struct RecoveredState {
    /// The identity as it was read, or a new one of epoch 0.
    pub identity: Identity,
    /// Whether the identity must be moved out of the way before another one is written.
    pub has_damaged_identity: bool,
    /// The readable segments, lowest sequence number first.
    pub segments: Vec<Segment>,
    /// All files of the directory that count against the limits.
    pub files: Vec<Arc<StoredFile>>,
    /// The sequence number and the link that the next frame follows.
    pub last: (u64, Digest),
    /// The highest generation of a file.
    pub generation: u64,
    /// The file that a torn frame may be cut from.
    pub newest: Option<NewestFile>,
    /// The report for people.
    pub report: Recovery,
}

/// The file with the highest generation, if it is intact and its process died.
#[derive(Debug)]
pub struct NewestFile {
    /// The file itself.
    pub file: Arc<StoredFile>,
    /// The offset at which its last valid frame ends.
    pub end: u64,
    /// The offset at which the bytes of a torn frame end; equal to `end` if there are none.
    pub torn_end: u64,
}

/// A file with a name in the format of the journal.
struct Candidate {
    name: String,
    parsed: FileName,
    header: Result<Header, HeaderError>,
}

/// A file that was scanned for frames.
struct ScannedFile {
    name: String,
    scan: Scan,
    file_name: FileName,
    is_damaged: bool,
}

/// Reads the directory, and verifies every frame in it.
///
/// # Errors
///
/// If a later version wrote a file, or the file system fails. Damage is no error.
pub fn recover(disk: &dyn Disk) -> Result<RecoveredState, OpenError> {
    let mut names = disk.list().map_err(OpenError::io("the directory"))?;
    names.sort_unstable();
    let mut report = Recovery::default();
    for name in &names {
        let is_known = [IDENTITY, IDENTITY_NEW].contains(&name.as_str())
            || name.contains(DAMAGED)
            || name.ends_with(PREPARED);
        if !is_known && FileName::parse(name).is_none() {
            report.push(name, Fault::Unknown);
        }
    }
    let candidates = candidates(disk, &names)?;
    let (identity, has_damaged_identity) = identify(disk, &names, &candidates, &mut report)?;
    report.journal = identity.journal;

    let (mut scanned, foreign) = scan_all(disk, candidates, identity.journal, &mut report)?;
    scanned.sort_by_key(|file| (std::cmp::Reverse(file.file_name.generation), file.is_damaged));
    let mut generations = HashSet::new();
    for (index, file) in scanned.iter_mut().enumerate() {
        if generations.insert(file.file_name.generation) {
            verify::file(file, index == 0, &mut report);
        } else {
            file.is_damaged = true;
            report.push(&file.name, Fault::Duplicate);
        }
    }
    // A process writes its epoch down when its first file is durable, and the last file is never removed.
    let newest_epoch = scanned.first().map_or(0, |file| identity::epoch_of(file.file_name.first));
    if newest_epoch < identity.epoch {
        report.push(scanned.first().map_or(IDENTITY, |file| &file.name), Fault::NextFile);
    }
    let runs: Vec<&[Run]> = scanned.iter().map(|file| file.scan.runs.as_slice()).collect();
    let parts = choose(&runs);
    let last = verify::chain(&scanned, &parts, identity.journal, &mut report);

    let files: Vec<Arc<StoredFile>> = scanned.iter().map(stored).collect();
    let segments: Vec<Segment> = parts
        .iter()
        .map(|part| {
            let run = &scanned[part.file].scan.runs[part.run];
            let file = Arc::clone(&files[part.file]);
            Segment { file, offset: run.bytes.start, from: part.from, to: part.to }
        })
        .collect();
    report.frames = segments.first().zip(segments.last()).map(|(first, last)| first.from..=last.to);
    report.follows = follows(&scanned, &parts, last.0);
    let named = FileName::highest(names.iter().map(String::as_str));
    let epoch = identity.epoch.max(identity::epoch_of(last.0)).max(identity::epoch_of(named.first));
    let generation = scanned.first().map_or(0, |file| file.file_name.generation);
    Ok(RecoveredState {
        identity: Identity { epoch, ..identity },
        has_damaged_identity,
        generation: generation.max(named.generation),
        newest: newest(&scanned, &files),
        files: files.into_iter().chain(foreign).collect(),
        segments,
        last,
        report,
    })
}

fn candidates(disk: &dyn Disk, names: &[String]) -> Result<Vec<Candidate>, OpenError> {
    let mut candidates = Vec::new();
    for name in names {
        let Some(parsed) = FileName::parse(name) else { continue };
        let header = disk.open(name).and_then(|file| scan::header(&*file)).map_err(OpenError::io(name))?;
        if let Err(HeaderError::Version(version)) = header {
            return Err(OpenError::Version { file: name.clone(), version });
        }
        candidates.push(Candidate { name: name.clone(), parsed, header });
    }
    Ok(candidates)
}

/// The identity, and whether the file that should hold it is damaged. Every header holds the id as well.
fn identify(
    disk: &dyn Disk,
    names: &[String],
    candidates: &[Candidate],
    report: &mut Recovery,
) -> Result<(Identity, bool), OpenError> {
    let found = Identity::read(disk, names).map_err(OpenError::io(IDENTITY))?;
    match found {
        IdentityFile::Identity(identity) => return Ok((identity, false)),
        IdentityFile::Version(version) => {
            return Err(OpenError::Version { file: IDENTITY.to_owned(), version });
        }
        IdentityFile::Missing if candidates.is_empty() => report.is_new = true,
        IdentityFile::Missing | IdentityFile::Damaged => report.push(IDENTITY, Fault::Identity),
    }
    let newest =
        candidates.iter().filter_map(|file| file.header.ok()).max_by_key(|header| header.name.generation);
    let journal = newest.map_or_else(Uuid::now_v7, |header| header.journal);
    let epoch = newest.map_or(0, |header| identity::epoch_of(header.name.first));
    Ok((Identity { journal, epoch }, found == IdentityFile::Damaged))
}

/// Scans all files of the journal for frames. Also returns the files of other journals.
fn scan_all(
    disk: &dyn Disk,
    candidates: Vec<Candidate>,
    journal: Uuid,
    report: &mut Recovery,
) -> Result<(Vec<ScannedFile>, Vec<Arc<StoredFile>>), OpenError> {
    let (mut scanned, mut foreign) = (Vec::new(), Vec::new());
    for Candidate { name, parsed, header } in candidates {
        let file = disk.open(&name).map_err(OpenError::io(&name))?;
        let scan = scan::scan(&*file, journal, parsed).map_err(OpenError::io(&name))?;
        let file_name = header.map_or(parsed, |header| header.name);
        let mut file = ScannedFile { name, scan, file_name, is_damaged: false };
        match header {
            Ok(header) if header.journal != journal => {
                report.push(&file.name, Fault::Foreign(header.journal));
                file.is_damaged = true;
                foreign.push(stored(&file));
                continue;
            }
            Ok(_) if file_name != parsed => {
                report.push(&file.name, Fault::Misnamed(file_name.name()));
                file.is_damaged = true;
            }
            Ok(_) => {}
            Err(_) => {
                report.push(&file.name, Fault::Header);
                file.is_damaged = true;
            }
        }
        scanned.push(file);
    }
    Ok((scanned, foreign))
}

fn stored(file: &ScannedFile) -> Arc<StoredFile> {
    StoredFile::new(file.name.clone(), file.scan.seed, file.file_name, file.scan.end, file.is_damaged)
}

fn follows(scanned: &[ScannedFile], parts: &[crate::segment::Part], last: u64) -> u64 {
    let Some(part) = parts.first() else { return last };
    let file = &scanned[part.file];
    match file.scan.header {
        Ok(header) if part.run == 0 && part.from == header.name.first => header.previous.0,
        _ => part.from - 1,
    }
}

fn newest(scanned: &[ScannedFile], files: &[Arc<StoredFile>]) -> Option<NewestFile> {
    let (newest, file) = scanned.first().zip(files.first())?;
    let end = newest.scan.end;
    let torn_end = newest.scan.tail.as_ref().map_or(end, |tail| tail.end);
    (!newest.is_damaged && newest.scan.trailer.is_none()).then(|| NewestFile {
        file: Arc::clone(file),
        end,
        torn_end,
    })
}

impl ScannedFile {
    fn torn(&self) -> Option<TornFrame> {
        let bytes = self.scan.tail.clone()?;
        Some(TornFrame { file: self.name.clone(), bytes })
    }
}
