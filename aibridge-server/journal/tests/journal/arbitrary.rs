//! Recovery of arbitrary changes of the files.

use crate::model::ModelDisk;
use crate::recovery::recover;
use crate::support::{open, read_all};
use aibridge_journal::Durability;
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #[test]
    fn arbitrary_changes_do_no_harm(data in prop::collection::vec(any::<u8>(), 0..400)) {
        recover(&data);
    }
}

/// The newest file had the content of an older one, and the identity was damaged: the new file took the name of the newest
/// one, and was removed with it.
#[test]
fn a_new_file_does_not_take_the_name_of_a_damaged_one() {
    recover(&[
        104, 104, 45, 1, 85, 105, 83, 0, 0, 0, 105, 2, 0, 0, 0, 45, 1, 0, 0, 0, 24, 62, 0, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0,
        0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 169,
        169,
    ]);
}

#[test]
fn numbers_are_not_used_again_if_the_newest_file_and_the_identity_are_lost() {
    let disk = Arc::new(ModelDisk::default());
    let mut last = 0;
    for _ in 0..3 {
        let (journal, _) = open(&disk, Durability::Process);
        last = journal.append(1, vec![1; 8].into()).expect("is appended");
    }
    let mut files = disk.files();
    let newest = files.keys().filter(|name| name.ends_with(".journal")).max().expect("a file").clone();
    files.insert(newest.clone(), Vec::new());
    files.remove("identity");
    let disk = Arc::new(ModelDisk::with_files(&files));
    for aside in [false, true] {
        let (journal, recovery) = open(&disk, Durability::Process);
        assert_eq!(recovery.damage.is_empty(), aside, "{recovery:?}");
        let next = journal.append(1, vec![1; 8].into()).expect("is appended");
        assert!(next > last, "{next} after {last}");
        assert!(disk.files().keys().any(|name| name.starts_with(&newest)), "the lost file is kept aside");
        assert!(!read_all(&mut journal.reader(0)).0.is_empty());
        last = next;
    }
}
