//! A disk that fails at each step in turn, and files that vanish.

use crate::model::{Faults, ModelDisk};
use crate::support::{open, options, read_all, texts};
use aibridge_journal::{AppendError, Disk, Durability, Journal, Options};
use std::sync::Arc;
use std::time::Duration;

/// Appends, syncs and releases over several files, and returns what was accepted.
fn use_journal(journal: &Journal) -> Vec<String> {
    let mut accepted = Vec::new();
    for number in 0..24 {
        let len = if number % 7 == 3 { 1200 } else { 200 };
        let text = format!("{number} {}", "x".repeat(len));
        if journal.append(1, text.clone().into()).is_ok() {
            accepted.push(text);
        }
        if number % 5 == 4 {
            let _ = (journal.sync(), journal.maintain());
        }
    }
    accepted
}

#[test]
fn each_step_can_fail_once_or_for_some_time() {
    let changes = {
        let disk = Arc::new(ModelDisk::default());
        use_journal(&open(&disk, Durability::Power).0);
        disk.changes()
    };
    assert!(changes > 40, "{changes}");
    for healthy in 0..changes as u32 {
        for failing in [1, 2, 7] {
            let disk = Arc::new(ModelDisk::default());
            let (journal, _) = open(&disk, Durability::Power);
            disk.set_faults(Faults { healthy, failing, ..Faults::default() });
            let accepted = use_journal(&journal);
            assert!(accepted.len() >= 24 - failing as usize, "{healthy}: the journal stays usable");
            disk.set_faults(Faults::default());
            journal.append(1, "last".into()).expect("works again");
            assert_eq!(journal.sync().expect("works again"), journal.stats().last);
            let prepared = disk.files().into_keys().filter(|name| name.ends_with(".prepared")).count();
            assert!(prepared <= 1 + failing as usize, "refused frames leave no file: {prepared}");
            drop(journal);
            disk.lose_power(u64::from(healthy));
            let (journal, _) = open(&disk, Durability::Power);
            let read = texts(&read_all(&mut journal.reader(0)).0);
            let expected: Vec<_> = accepted.into_iter().chain(["last".to_owned()]).collect();
            assert_eq!(read, expected, "{failing} failures after {healthy} changes");
        }
    }
}

/// The model refuses to sync a file again.
#[test]
fn a_failed_sync_is_repeated_with_another_file() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _) = open(&disk, Durability::Power);
    for failing_syncs in 0..3 {
        for number in 0..3 {
            journal.append(1, format!("{failing_syncs}.{number}").into()).expect("is appended");
        }
        disk.set_faults(Faults { failing_syncs, ..Faults::default() });
        journal.sync().expect("succeeds with another file");
    }
    assert_eq!(journal.stats().failed_syncs, 3);
    disk.set_faults(Faults { failing_syncs: 3, ..Faults::default() });
    journal.append(1, "3.0".into()).expect("is appended");
    journal.sync().expect_err("gives up");
    journal.append(1, "3.1".into()).expect("is appended");
    journal.sync().expect("works again");
    drop(journal);
    disk.lose_power(1);
    let (journal, _) = open(&disk, Durability::Power);
    let expected =
        ["0.0", "0.1", "0.2", "1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "3.0", "3.1"].map(str::to_owned);
    assert_eq!(texts(&read_all(&mut journal.reader(0)).0), expected);
}

#[test]
fn a_removed_file_is_noticed_within_a_second() {
    let disk = Arc::new(ModelDisk::default());
    let (clock, mock) = quanta::Clock::mock();
    let options = Options { clock, ..options(Durability::Process) };
    let (journal, _) = Journal::open_on(disk.clone(), options).expect("opens");
    journal.append(1, "there".into()).expect("is appended");
    journal.check(0, 0).expect("is there");
    let name = disk.files().into_keys().find(|name| name.ends_with(".journal")).expect("a file");
    disk.rename(&name, "elsewhere").expect("is moved");
    mock.increment(Duration::from_secs(1));
    let refused = journal.append(1, "nowhere".into()).expect_err("is gone");
    assert!(matches!(refused, AppendError::Removed(_)), "{refused}");
    assert!(matches!(journal.check(0, 0), Err(AppendError::Removed(_))));
    disk.create(&name).expect("another file of that name");
    assert!(matches!(journal.check(0, 0), Err(AppendError::Removed(_))), "it is another one");
    disk.rename("elsewhere", &name).expect("is moved back");
    journal.check(0, 0).expect("is there again");
    journal.append(1, "there again".into()).expect("is appended");
    assert_eq!(texts(&read_all(&mut journal.reader(0)).0), ["there", "there again"]);
}

#[test]
fn a_failed_write_is_noticed_and_probed() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _) = open(&disk, Durability::Process);
    disk.set_faults(Faults { failing: 20, ..Faults::default() });
    journal.append(1, "lost".into()).expect_err("fails");
    assert!(matches!(journal.check(0, 0), Err(AppendError::Io(_))), "is not ready");
    disk.set_faults(Faults::default());
    journal.check(0, 0).expect("is ready before anybody appends");
}
