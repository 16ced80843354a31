//! Room: what starts may use, what only ends may use, and what a release gives back.

use crate::model::{Faults, ModelDisk};
use crate::support::{open, options, read_all};
use aibridge_journal::{AppendError, Durability, FRAME_OVERHEAD, Journal, Options};
use bytes::Bytes;
use std::sync::Arc;

const END: u64 = FRAME_OVERHEAD + 100;

#[test]
fn ends_have_their_place_in_a_full_journal() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _) = open(&disk, Durability::Process);
    let mut reservations = Vec::new();
    let refused = loop {
        match journal.append_start(1, Bytes::from_static(&[b's'; 500]), END) {
            Ok((_, reservation)) => reservations.push(reservation),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Full { .. }), "{refused}");
    let before = journal.stats();
    assert!(journal.append_start(1, Bytes::from_static(&[b's'; 500]), END).is_err());
    assert_eq!(journal.stats().reserved_bytes, before.reserved_bytes, "a refused start reserves nothing");
    assert_eq!(journal.stats().bytes, before.bytes, "nor does it store anything");
    for reservation in &mut reservations {
        journal.append_end(2, Bytes::from_static(&[b'e'; 100]), reservation).expect("has its place");
    }
    assert_eq!(journal.stats().reserved_bytes, 0);
    assert_eq!(read_all(&mut journal.reader(0)).0.len(), 2 * reservations.len());
}

#[test]
fn refused_starts_take_nothing_from_the_reserve() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _) = open(&disk, Durability::Process);
    let mut reservations = Vec::new();
    while let Ok((_, reservation)) = journal.append_start(1, Bytes::from_static(b"start"), END) {
        reservations.push(reservation);
    }
    for _ in 0..1000 {
        assert!(journal.append_start(1, Bytes::from_static(b"start"), END).is_err());
    }
    for reservation in &mut reservations {
        journal.append_end(2, Bytes::from_static(&[b'e'; 100]), reservation).expect("has its place");
    }
}

#[test]
fn a_release_makes_room_again() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _) = open(&disk, Durability::Process);
    while journal.append(1, Bytes::from_static(&[b'x'; 300])).is_ok() {}
    assert!(journal.check(300, 0).is_err());
    let last = journal.stats().last;
    journal.release(last).expect("releases");
    assert_eq!((journal.stats().bytes, journal.stats().files), (0, 1));
    journal.check(300, 0).expect("has room");
    journal.append(1, Bytes::from_static(&[b'x'; 300])).expect("has room");
}

#[test]
fn a_full_disk_refuses_starts_and_takes_ends() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _) = open(&disk, Durability::Process);
    let mut reservations = Vec::new();
    let append = || journal.append_start(1, Bytes::from_static(&[b's'; 200]), END);
    reservations.push(append().expect("has room").1);
    disk.set_faults(Faults { is_full: true, ..Faults::default() });
    let refused = loop {
        match append() {
            Ok((_, reservation)) => reservations.push(reservation),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Io(_)), "{refused}");
    for reservation in &mut reservations {
        journal
            .append_end(2, Bytes::from_static(&[b'e'; 100]), reservation)
            .expect("has its place on the disk");
    }
    disk.set_faults(Faults::default());
    append().expect("has room again");
}

#[test]
fn a_large_frame_takes_over_with_its_file_and_leaves_none_if_refused() {
    let disk = Arc::new(ModelDisk::default());
    let (journal, _) = open(&disk, Durability::Process);
    let names = || disk.files().into_keys().filter(|name| name.ends_with(".prepared")).count();
    let large = Bytes::from(vec![b'l'; 3000]);
    journal.append(1, "before".into()).expect("has room");
    while journal.append(1, large.clone()).is_ok() {}
    let accepted = journal.stats().frames;
    assert!(accepted > 4, "{accepted}");
    assert_eq!(read_all(&mut journal.reader(0)).0.len() as u64, accepted);
    journal.release(journal.stats().last).expect("releases");
    journal.append(1, "after".into()).expect("has room");
    assert!(names() <= 1, "at most the next file is prepared");
}

#[test]
fn a_slow_disk_refuses_starts_and_takes_ends() {
    let disk = Arc::new(ModelDisk::default());
    let options = Options { max_unsynced_bytes: 1000, ..options(Durability::Power) };
    let (journal, _) = Journal::open_on(disk, options).expect("opens");
    let start = || journal.append_start(1, Bytes::from_static(&[b's'; 300]), END);
    let (_, mut reservation) = start().expect("is accepted");
    let refused = loop {
        match start() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Unsynced(1001..)), "{refused}");
    journal.append_end(2, Bytes::from_static(&[b'e'; 100]), &mut reservation).expect("is accepted");
    journal.sync().expect("syncs");
    start().expect("is accepted again");
}
