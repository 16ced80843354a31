//! Every small damage of a small journal, one after the other.

use crate::model::ModelDisk;
use crate::support::{options, read_all, texts};
use aibridge_journal::{Durability, Fault, Journal, OpenError, Options, Recovery};
use std::collections::BTreeMap;
use std::sync::Arc;

type Files = BTreeMap<String, Vec<u8>>;

fn small() -> Options {
    Options { file_bytes: 600, ..options(Durability::Process) }
}

fn append(journal: &Journal, texts: std::ops::Range<usize>) {
    for text in texts {
        journal.append(1, format!("frame {text}").into()).expect("is appended");
    }
}

/// A journal of three processes, with several files of each. The last one was closed, or died.
fn journal(is_closed: bool) -> (Files, Vec<String>) {
    let disk = Arc::new(ModelDisk::default());
    for (process, frames) in [0..5, 5..7, 7..14].into_iter().enumerate() {
        let (journal, _) = Journal::open_on(disk.clone(), small()).expect("opens");
        append(&journal, frames);
        // Finishes the files that are full.
        journal.sync().expect("syncs");
        if process != 1 && (process == 0 || is_closed) {
            journal.close().expect("closes");
        }
    }
    let mut files = disk.files();
    files.retain(|name, _| !name.ends_with(".prepared"));
    (files, (0..14).map(|text| format!("frame {text}")).collect())
}

struct Outcome {
    recovery: Recovery,
    read: Vec<String>,
    disk: Arc<ModelDisk>,
}

/// Opens the files, reads everything and releases it.
fn recover(files: &Files) -> Outcome {
    let disk = Arc::new(ModelDisk::with_files(files));
    let (journal, recovery) = Journal::open_on(disk.clone(), small()).expect("opens");
    let (frames, damage) = read_all(&mut journal.reader(0));
    assert_eq!(damage, [], "recovery found all");
    assert!(frames.windows(2).all(|pair| pair[0].head.sequence < pair[1].head.sequence));
    journal.release(journal.stats().last).expect("releases");
    Outcome { recovery, read: texts(&frames), disk }
}

impl Outcome {
    fn is_found(&self) -> bool {
        !self.recovery.damage.is_empty() || self.recovery.torn.is_some()
    }

    fn has(&self, is_wanted: impl Fn(&Fault) -> bool) -> bool {
        self.recovery.damage.iter().any(|damage| is_wanted(&damage.fault))
    }

    /// Checks that the frames are the original ones in their order, that what is lost is named, and that the bytes of a
    /// damaged file are kept.
    fn check(&self, files: &Files, all: &[String], context: &str) -> usize {
        let mut rest = all.iter();
        for text in &self.read {
            assert!(rest.any(|original| original == text), "{context}: {text} was changed or moved");
        }
        let lost = all.len() - self.read.len();
        let named = self.recovery.missing() as usize;
        let may_be_unnamed = self.recovery.torn.is_some()
            || self.has(|fault| matches!(fault, Fault::Truncated { .. } | Fault::NextFile | Fault::Header))
            || self.recovery.follows > 0;
        assert!(
            named == lost || named < lost && may_be_unnamed,
            "{context}: {lost} lost, {:?}",
            self.recovery
        );
        let kept: Vec<_> =
            self.disk.files().into_iter().filter(|(name, _)| name.contains(".damaged")).collect();
        for damage in &self.recovery.damage {
            let keeps = !matches!(damage.fault, Fault::Missing(_) | Fault::NextFile | Fault::Unknown);
            if let (true, Some(content)) = (keeps, files.get(&damage.file)) {
                assert!(
                    kept.iter().any(|(_, kept)| kept == content),
                    "{context}: {} is not kept",
                    damage.file
                );
            }
        }
        lost
    }
}

fn intact(files: &Files, all: &[String]) {
    let outcome = recover(files);
    assert!(!outcome.is_found(), "{:?}", outcome.recovery);
    assert_eq!(outcome.read, all);
}

#[test]
fn every_flipped_bit_is_found() {
    for is_closed in [true, false] {
        let (files, all) = journal(is_closed);
        intact(&files, &all);
        for name in files.keys() {
            for bit in 0..files[name].len() * 8 {
                let mut damaged = files.clone();
                damaged.entry(name.clone()).and_modify(|content| content[bit / 8] ^= 1 << (bit % 8));
                let (outcome, context) = (recover(&damaged), format!("{name} bit {bit}"));
                let lost = outcome.check(&damaged, &all, &context);
                assert!(outcome.is_found(), "{context} was not found");
                assert!(lost <= 1, "{context}: {lost} are lost");
            }
        }
    }
}

#[test]
fn every_truncation_is_found() {
    for is_closed in [true, false] {
        let (files, all) = journal(is_closed);
        for name in files.keys() {
            for len in 0..files[name].len() {
                let mut damaged = files.clone();
                damaged.entry(name.clone()).and_modify(|content| content.truncate(len));
                let (outcome, context) = (recover(&damaged), format!("{name} cut to {len}"));
                outcome.check(&damaged, &all, &context);
                assert!(outcome.is_found(), "{context} was not found");
            }
        }
    }
}

/// The names of the files with frames.
fn names(files: &Files) -> Vec<String> {
    files.keys().filter(|name| name.ends_with(".journal")).cloned().collect()
}

#[test]
fn swapped_files_are_found_and_read() {
    let (files, all) = journal(true);
    let names = names(&files);
    for (index, first) in names.iter().enumerate() {
        for second in &names[index + 1..] {
            let mut damaged = files.clone();
            damaged.insert(first.clone(), files[second].clone());
            damaged.insert(second.clone(), files[first].clone());
            let outcome = recover(&damaged);
            outcome.check(&damaged, &all, first);
            assert!(outcome.has(|fault| matches!(fault, Fault::Misnamed(_))));
            assert_eq!(outcome.read, all);
        }
    }
}

#[test]
fn doubled_files_are_found_and_read_once() {
    let (files, all) = journal(true);
    for name in names(&files) {
        for copy in ["00000000000000000001-0000000099.journal", "copy.journal"] {
            let mut damaged = files.clone();
            damaged.insert(copy.to_owned(), files[&name].clone());
            let outcome = recover(&damaged);
            assert!(outcome.is_found());
            assert_eq!(outcome.read, all, "{name} as {copy}");
        }
    }
}

#[test]
fn replaced_files_are_found() {
    let (files, all) = journal(true);
    let names = names(&files);
    let (others, _) = journal(true);
    for name in &names {
        let replacements = names.iter().filter(|other| *other != name).map(|other| &files[other]);
        for content in replacements.chain([&others[name]]) {
            let mut damaged = files.clone();
            damaged.insert(name.clone(), content.clone());
            let outcome = recover(&damaged);
            let lost = outcome.check(&damaged, &all, name);
            assert!(outcome.is_found(), "{name}");
            assert!(lost > 0);
        }
    }
}

#[test]
fn a_removed_file_is_found() {
    for is_closed in [true, false] {
        let (files, all) = journal(is_closed);
        for (index, name) in names(&files).iter().enumerate() {
            let mut damaged = files.clone();
            damaged.remove(name);
            let outcome = recover(&damaged);
            outcome.check(&damaged, &all, name);
            // Whether the first one was released, the reader knows.
            let is_found = if index == 0 { outcome.recovery.follows > 0 } else { outcome.is_found() };
            assert!(is_found, "{name}");
        }
    }
}

#[test]
fn a_lost_identity_is_found_in_the_other_files() {
    let (files, all) = journal(true);
    let whole = recover(&files);
    let mut damaged = files.clone();
    damaged.remove("identity");
    let outcome = recover(&damaged);
    assert!(outcome.has(|fault| *fault == Fault::Identity));
    assert_eq!((outcome.recovery.journal, outcome.read), (whole.recovery.journal, all));
}

#[test]
fn damage_is_reported_until_its_file_is_released() {
    let (mut files, _) = journal(true);
    let name = names(&files)[0].clone();
    files.entry(name).and_modify(|content| content[140] ^= 1);
    let disk = Arc::new(ModelDisk::with_files(&files));
    let open = || Journal::open_on(disk.clone(), small()).expect("opens");
    let (_, first) = open();
    let (journal, second) = open();
    assert_eq!(second.damage, first.damage);
    assert_eq!(read_all(&mut journal.reader(0)).0.len(), 13);
    journal.release(journal.stats().last).expect("releases");
    drop(journal);
    let (_, third) = open();
    assert_eq!((third.damage, third.frames), (vec![], None));
}

/// Two histories of one journal, as after a backup was brought back: their files have the same names.
#[test]
fn a_file_of_another_history_is_found_by_the_chain() {
    let (files, _) = journal(true);
    let history = |word: &str| {
        let disk = Arc::new(ModelDisk::with_files(&files));
        let (journal, _) = Journal::open_on(disk.clone(), small()).expect("opens");
        for number in 0..12 {
            journal.append(1, format!("{word} {number:02}").into()).expect("is appended");
        }
        journal.close().expect("closes");
        disk.files()
    };
    let (mut damaged, other) = (history("one"), history("two"));
    let new: Vec<String> = names(&damaged).into_iter().filter(|name| !files.contains_key(name)).collect();
    assert!(new.len() > 2);
    damaged.insert(new[1].clone(), other[&new[1]].clone());
    let outcome = recover(&damaged);
    let chains = outcome.recovery.damage.iter().filter(|damage| matches!(damage.fault, Fault::Chain(_)));
    assert_eq!(chains.count(), 2, "before and after the file: {:?}", outcome.recovery);
    assert_eq!(outcome.read.len(), 14 + 12);
}

#[test]
fn a_later_format_is_refused_and_left_alone() {
    let (files, _) = journal(true);
    for name in files.keys() {
        let mut later = files.clone();
        later.entry(name.clone()).and_modify(|content| {
            content[12..16].copy_from_slice(&2u32.to_le_bytes());
            let end = if name == "identity" { content.len() } else { 128 };
            let checksum = crc32c::crc32c(&content[12..end]);
            content[8..12].copy_from_slice(&checksum.to_le_bytes());
        });
        let disk = Arc::new(ModelDisk::with_files(&later));
        let refused = Journal::open_on(disk.clone(), small()).expect_err("is refused");
        assert!(matches!(refused, OpenError::Version { version: 2, .. }), "{name}: {refused}");
        assert_eq!(disk.files(), later);
    }
}
