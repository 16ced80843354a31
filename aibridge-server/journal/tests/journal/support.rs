//! Options for small journals, and reading all of one.

use crate::model::ModelDisk;
use aibridge_journal::{Durability, Frame, Journal, Maintenance, Options, Reader, Recovery};
use std::sync::Arc;

/// Small files, so that a test has several.
pub(crate) fn options(durability: Durability) -> Options {
    Options {
        durability,
        maintenance: Maintenance::Manual,
        file_bytes: 2048,
        max_bytes: 16 << 10,
        reserve_bytes: 8 << 10,
        max_payload_bytes: 4096,
        large_payload_bytes: 1000,
        tail_bytes: 700,
        max_unsynced_bytes: 1 << 20,
        ..Options::default()
    }
}

pub(crate) fn open(disk: &Arc<ModelDisk>, durability: Durability) -> (Journal, Recovery) {
    let disk: Arc<ModelDisk> = Arc::clone(disk);
    Journal::open_on(disk, options(durability)).expect("opens")
}

/// Everything that a reader returns until there is no more, and what it found damaged.
pub(crate) fn read_all(reader: &mut Reader) -> (Vec<Frame>, Vec<aibridge_journal::Damage>) {
    let (mut frames, mut damage) = (Vec::new(), Vec::new());
    loop {
        let batch = reader.read(1000).expect("reads");
        if batch.frames.is_empty() && batch.damage.is_empty() {
            return (frames, damage);
        }
        frames.extend(batch.frames);
        damage.extend(batch.damage);
    }
}

/// The payloads as text.
pub(crate) fn texts(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(|frame| String::from_utf8_lossy(&frame.payload).into_owned()).collect()
}
