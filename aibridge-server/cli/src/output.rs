//! Prints the results of commands.

use std::io::{self, Write};

/// The output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the output: {0}")]
pub struct PrintError(#[from] io::Error);

/// Writes all of `text`. A closed pipe, as after `head`, is not an error.
///
/// # Errors
///
/// If `out` cannot be written, as when a disk is full.
pub fn print(out: &mut dyn Write, text: &str) -> Result<(), PrintError> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
