//! What commands print.

use std::io::{self, Write};

/// The output takes nothing.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the output: {0}")]
pub struct PrintError(#[from] io::Error);

/// Writes `text`, all of it. A reader that has seen enough, like `head`, is no failure.
///
/// # Errors
///
/// When `out` takes nothing more, e.g. because a disk is full.
pub fn print(out: &mut dyn Write, text: &str) -> Result<(), PrintError> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
