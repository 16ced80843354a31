//! Finds the end of a journal without a lock, while another process may have it open.

use crate::frame::{FrameHead, HEAD_BYTES};
use crate::header::{FileName, HEADER_BYTES};
use crate::identity::{IDENTITY, Identity, IdentityFile};
use crate::scan;
use crate::window::Window;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use uuid::Uuid;

/// The end of a journal when its directory was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// The id of the journal.
    pub journal: Uuid,
    /// The sequence number of the last frame that was appended before the look. 0 if there is none.
    pub last: u64,
}

/// Looks at the journal in `directory`, which may grow meanwhile. `None` if there is none. Nothing is verified besides
/// the heads of the frames in the last file, and nothing is changed.
///
/// # Errors
///
/// The error of the file system. A file that is removed meanwhile is an error, too: call again.
pub fn peek(directory: impl AsRef<Path>) -> io::Result<Option<Peek>> {
    let directory = directory.as_ref();
    let identity = match File::open(directory.join(IDENTITY)) {
        Ok(file) => Identity::read_file(&file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let IdentityFile::Identity(identity) = identity else { return Ok(None) };
    let mut newest: Option<FileName> = None;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_str().and_then(FileName::parse);
        newest = name.into_iter().chain(newest).max_by_key(|name| name.generation);
    }
    let last = newest.map_or(Ok(0), |name| last_of(&directory.join(name.name())))?;
    Ok(Some(Peek { journal: identity.journal, last }))
}

/// The sequence number of the last frame in a file, or before it.
fn last_of(path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    let Ok(header) = scan::header(&file)? else { return Ok(0) };
    let (mut window, mut offset, mut last) = (Window::new(&file)?, HEADER_BYTES as u64, header.previous.0);
    let seed = header.seed();
    while let Some(head) = FrameHead::decode(window.at(offset, HEAD_BYTES), seed, offset) {
        last = head.sequence;
        offset += head.frame_bytes();
    }
    Ok(last)
}
