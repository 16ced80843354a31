//! Recovery of arbitrary bytes. [`recover`] is also what a fuzz target calls.

use crate::model::ModelDisk;
use crate::support::{options, read_all};
use aibridge_journal::{Durability, Journal};
use proptest::prelude::*;
use std::sync::Arc;

/// Takes `data` for changes of the files of an intact journal (file, offset, how many bytes are replaced), and opens what
/// comes of it: recovery must end, what is read must be in order, and what is released must not come again.
pub(crate) fn recover(mut data: &[u8]) {
    let disk = Arc::new(ModelDisk::default());
    let open = |disk: &Arc<ModelDisk>| {
        let disk: Arc<ModelDisk> = Arc::clone(disk);
        Journal::open_on(disk, options(Durability::Process)).map(|(journal, _)| journal)
    };
    for frames in [4u8, 9] {
        let journal = open(&disk).expect("opens");
        for number in 0..frames {
            journal.append(number.into(), vec![number; 300].into()).expect("is appended");
        }
    }
    let mut files = disk.files();
    while let [file, high, low, len, rest @ ..] = data {
        let index = usize::from(*file) % files.len();
        let (bytes, rest) = rest.split_at(rest.len().min((*len).into()));
        if let Some(content) = files.values_mut().nth(index) {
            let offset = usize::from(u16::from_be_bytes([*high, *low])) % (content.len() + 1);
            let end = content.len().min(offset + bytes.len());
            content.splice(offset..end, bytes.iter().copied());
        }
        data = rest;
    }
    let disk = Arc::new(ModelDisk::with_files(&files));
    let Ok(journal) = open(&disk) else { return };
    let (frames, _) = read_all(&mut journal.reader(0));
    assert!(frames.windows(2).all(|pair| pair[0].head.sequence < pair[1].head.sequence));
    assert!(frames.iter().all(|frame| frame.payload.iter().all(|byte| u16::from(*byte) == frame.head.kind)));
    let last = journal.append(99, vec![99].into()).expect("goes on");
    journal.release(last).expect("releases");
    drop(journal);
    let journal = open(&disk).expect("opens again");
    assert_eq!(read_all(&mut journal.reader(last)).0, []);
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(data in prop::collection::vec(any::<u8>(), 0..400)) {
        recover(&data);
    }
}
