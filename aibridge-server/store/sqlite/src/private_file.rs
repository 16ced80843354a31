//! Files that only their owner may read.

use std::fs::{File, OpenOptions};

/// Options that open a file for reading and writing, and create it with mode 0600: records hold prompts.
pub(crate) fn owner_only() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
