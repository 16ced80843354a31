use std::fs::{File, OpenOptions};

/// Options for a file that only its owner may read, if they create it: prompts are nobody else's business.
pub(crate) fn owner_only() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
