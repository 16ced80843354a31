//! Tests that pass without running, because the machine lacks a program or a folder.

use std::io::Write;

/// The start of the line that [`skip_test`] prints. `cargo xtask ci` subtracts these lines from the passed tests.
pub const SKIPPED_TEST: &str = "skipped a test: ";

/// Prints that the calling test does not run, with the reason. The line is written to standard output past the capture of
/// the test runner, which hides the output of passed tests.
pub fn skip_test(reason: &str) {
    let _ = writeln!(std::io::stdout(), "{SKIPPED_TEST}{reason}");
}
