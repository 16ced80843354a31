//! The environment that settings refer to.

use std::io;
use std::path::Path;

/// The environment variables and files that settings refer to.
pub trait Environment {
    /// The value of the environment variable `name`, if it is set.
    fn var(&self, name: &str) -> Option<String>;

    /// The text of the file at `path`.
    ///
    /// # Errors
    ///
    /// An I/O error if the file cannot be read, or is not UTF-8.
    fn read(&self, path: &Path) -> io::Result<String>;
}
