//! Recovery of a journal whose files were changed in any way. A property test and a fuzz target call [`recover`].

use crate::model::ModelDisk;
use crate::support::{options, read_all};
use aibridge_journal::{Durability, Journal};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The files of an intact journal, by name. Each payload repeats the kind of its frame.
static INTACT: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let disk = Arc::new(ModelDisk::default());
    for frames in [4u8, 9] {
        let journal = open(&disk).expect("opens");
        for number in 0..frames {
            journal.append(number.into(), vec![number; 300].into()).expect("is appended");
        }
    }
    disk.files()
});

/// Takes `data` for changes of the files of an intact journal, and opens what comes of it: recovery must end, what is read
/// must be in order and as it was appended, and what is released must not come again.
pub(crate) fn recover(data: &[u8]) {
    let disk = Arc::new(ModelDisk::with_files(&changed(data)));
    let Some(journal) = open(&disk) else { return };
    let (frames, _) = read_all(&mut journal.reader(0));
    assert!(frames.windows(2).all(|pair| pair[0].head.sequence < pair[1].head.sequence));
    assert!(frames.iter().all(|frame| frame.payload.iter().all(|byte| u16::from(*byte) == frame.head.kind)));
    journal.check(1, 1).expect("its file is in its place");
    let last = journal.append(99, vec![99].into()).expect("goes on");
    journal.release(last).expect("releases");
    drop(journal);
    let journal = open(&disk).expect("opens again");
    assert_eq!(read_all(&mut journal.reader(last)).0, []);
}

fn open(disk: &Arc<ModelDisk>) -> Option<Journal> {
    let disk: Arc<ModelDisk> = Arc::clone(disk);
    Journal::open_on(disk, options(Durability::Process)).ok().map(|(journal, _)| journal)
}

/// The files after the changes in `data`: each is a kind, a file, an offset, another file or a length, and content.
fn changed(mut data: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files: Vec<(String, Vec<u8>)> = INTACT.clone().into_iter().collect();
    while let [kind, file, high, low, other, rest @ ..] = data {
        let at = usize::from(*file) % files.len();
        let length = files[at].1.len();
        let offset = usize::from(u16::from_be_bytes([*high, *low])) % (length + 1);
        let other_at = usize::from(*other) % files.len();
        data = rest;
        match kind % 6 {
            0 => {
                let (bytes, rest) = rest.split_at(rest.len().min((*other).into()));
                let end = length.min(offset + bytes.len());
                files[at].1.splice(offset..end, bytes.iter().copied());
                data = rest;
            }
            1 => {
                if let Some(byte) = files[at].1.get_mut(offset) {
                    *byte ^= 1 << (other % 8);
                }
            }
            2 => files[at].1.truncate(offset),
            3 => {
                let copied = files[other_at].1.get(offset..).unwrap_or_default().to_vec();
                files[at].1.splice(offset.., copied);
            }
            4 => files[at].1.clear(),
            _ => {
                let content = files[other_at].1.clone();
                files[other_at].1 = std::mem::replace(&mut files[at].1, content);
            }
        }
    }
    files.into_iter().collect()
}
