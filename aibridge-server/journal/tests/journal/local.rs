//! On a real file system, with the journal's thread.

use crate::support::{options, read_all, texts};
use aibridge_journal::{Durability, Fault, Journal, Maintenance, OpenError, Options};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn with_thread(durability: Durability) -> Options {
    Options { maintenance: Maintenance::Thread, ..options(durability) }
}

fn open(directory: &Path, options: Options) -> Journal {
    Journal::open(directory, options).expect("opens").0
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".journal"));
    paths.sort();
    paths
}

#[test]
fn a_journal_keeps_its_id_and_belongs_to_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/below");
    let (journal, recovery) = Journal::open(&path, Options::default()).unwrap();
    assert!(recovery.is_new);
    assert!(matches!(Journal::open(&path, Options::default()), Err(OpenError::Locked)));
    let id = journal.id();
    journal.append(7, "kept".into()).unwrap();
    journal.close().unwrap();
    drop(journal);
    let (journal, recovery) = Journal::open(&path, Options::default()).unwrap();
    assert_eq!((journal.id(), recovery.is_new, recovery.was_closed), (id, false, true));
    let frames = read_all(&mut journal.reader(0)).0;
    assert_eq!((texts(&frames), frames[0].head.kind), (vec!["kept".to_owned()], 7));
}

#[test]
fn callers_share_syncs_and_find_their_frames_in_order() {
    const TASKS: usize = 16;
    const EACH: usize = 40;
    let directory = tempfile::tempdir().unwrap();
    let options = Options { max_bytes: 1 << 30, file_bytes: 16 << 10, ..with_thread(Durability::Power) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let journal = Arc::new(open(directory.path(), options.clone()));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let journal = Arc::clone(&journal);
            runtime.spawn(async move {
                for number in 0..EACH {
                    let sequence = journal.append(1, format!("{task} {number}").into()).unwrap();
                    journal.durable(sequence).await.unwrap();
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    let stats = journal.stats();
    assert_eq!((stats.frames, stats.synced), ((TASKS * EACH) as u64, stats.last));
    assert!(stats.syncs < stats.frames, "{} syncs", stats.syncs);
    assert_eq!(stats.append_times.iter().sum::<u64>(), stats.frames);
    drop(journal);
    let journal = open(directory.path(), options);
    let read = texts(&read_all(&mut journal.reader(0)).0);
    assert_eq!(read.len(), TASKS * EACH);
    for task in 0..TASKS {
        let expected: Vec<_> = (0..EACH).map(|number| format!("{task} {number}")).collect();
        let found: Vec<_> = read.iter().filter(|text| text.starts_with(&format!("{task} "))).collect();
        assert!(found.into_iter().eq(&expected));
    }
}

#[test]
fn a_reader_follows_appends_and_is_woken() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Arc::new(open(directory.path(), with_thread(Durability::Process)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let mut reader = journal.reader(0);
    let read = runtime.spawn(async move {
        let mut read = Vec::new();
        while read.len() < 50 {
            let frames = reader.read(300).unwrap().frames;
            if frames.is_empty() {
                reader.appended().await;
            }
            read.extend(texts(&frames));
        }
        read
    });
    let expected: Vec<_> = (0..50).map(|number| format!("{number} {}", "y".repeat(40))).collect();
    for text in &expected {
        journal.append(1, text.clone().into()).unwrap();
    }
    assert_eq!(runtime.block_on(read).unwrap(), expected);
}

#[test]
fn damage_while_it_is_open_is_named_and_the_rest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { tail_bytes: 0, ..options(Durability::Process) };
    let journal = open(directory.path(), options);
    let texts_in: Vec<_> = (0..30).map(|number| format!("{number:02} {}", "z".repeat(200))).collect();
    let sequences: Vec<_> =
        texts_in.iter().map(|text| journal.append(1, text.clone().into()).unwrap()).collect();
    let damaged = files(directory.path())[1].clone();
    let file = fs::OpenOptions::new().write(true).open(&damaged).unwrap();
    file.write_all_at(b"?", 700).unwrap();
    let (frames, damage) = read_all(&mut journal.reader(0));
    assert_eq!((frames.len(), damage.len()), (29, 1));
    let lost = sequences.iter().find(|sequence| frames.iter().all(|frame| frame.head.sequence != **sequence));
    assert_eq!(damage[0].fault, Fault::Missing(*lost.unwrap()..=*lost.unwrap()));
    journal.release(*sequences.last().unwrap()).unwrap();
    let aside = PathBuf::from(format!("{}.damaged", damaged.display()));
    assert!(aside.exists() && !damaged.exists());
}

#[test]
fn a_removed_directory_refuses_appends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let journal = open(&path, with_thread(Durability::Power));
    journal.append(1, "there".into()).unwrap();
    journal.check(100, 100).unwrap();
    fs::remove_dir_all(&path).unwrap();
    assert!(journal.check(100, 100).is_err());
    assert!(journal.append(1, "nowhere".into()).is_err(), "after it was noticed");
    assert!(journal.sync().is_err());
}

#[test]
fn a_closed_journal_is_small_and_takes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), Options::default());
    journal.append(1, "one".into()).unwrap();
    journal.close().unwrap();
    assert!(journal.append(1, "two".into()).is_err());
    let total: u64 =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(total < 1000, "{total}");
}

/// Appends of all sizes, syncs, prepared files and releases at once.
#[test]
fn a_reader_that_releases_sees_each_frame_of_many_threads_once() {
    const THREADS: usize = 6;
    const EACH: usize = 300;
    for durability in [Durability::Process, Durability::Power] {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            max_bytes: 1 << 30,
            file_bytes: 8 << 10,
            tail_bytes: 4 << 10,
            ..with_thread(durability)
        };
        let journal = open(directory.path(), options.clone());
        let mut seen = [0; THREADS];
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let journal = &journal;
                scope.spawn(move || {
                    for number in 0..EACH {
                        let size = if number % 40 == thread { 3000 } else { 20 + number % 200 };
                        let text = format!("{thread} {number} {}", "w".repeat(size));
                        let (_, mut reservation) = journal.append_start(1, text.into(), 200).unwrap();
                        journal.append_end(2, "end".into(), &mut reservation).unwrap();
                        if durability == Durability::Power && number % 50 == 0 {
                            journal.sync().unwrap();
                        }
                    }
                });
            }
            let (mut reader, mut last) = (journal.reader(0), 0);
            while seen.iter().sum::<usize>() < THREADS * EACH {
                let batch = reader.read(2000).unwrap();
                assert_eq!(batch.damage, []);
                for frame in &batch.frames {
                    assert!(last == 0 || frame.head.sequence == last + 1, "no gap, nothing twice");
                    last = frame.head.sequence;
                    if frame.head.kind == 1 {
                        let text = String::from_utf8_lossy(&frame.payload);
                        let mut words = text.split(' ').map(|word| word.parse::<usize>().unwrap_or(0));
                        let (thread, number) = (words.next().unwrap(), words.next().unwrap());
                        assert_eq!(seen[thread], number, "in the order of each thread");
                        seen[thread] += 1;
                    }
                }
                journal.release(last).unwrap();
            }
        });
        let mut rest = journal.reader(0);
        read_all(&mut rest);
        journal.release(journal.stats().last).unwrap();
        assert_eq!((journal.stats().bytes, journal.stats().reserved_bytes), (0, 0));
        drop((journal, rest));
        let (journal, recovery) = Journal::open(directory.path(), options).unwrap();
        assert_eq!((recovery.damage, recovery.torn), (vec![], None));
        drop(journal);
    }
}
