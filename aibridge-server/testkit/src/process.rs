//! A started process with its captured output, and its end.

use crate::output::Output;
use crate::within;
use std::process::ExitStatus;
use tokio::process::Child;
use tokio::task::JoinHandle;

/// The exit status and the output of a process that has ended.
#[derive(Debug, Clone)]
pub struct ProcessOutput {
    /// The exit status.
    pub status: ExitStatus,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error, which has the log.
    pub stderr: String,
}

/// A started process and its captured output.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    readers: [JoinHandle<()>; 2],
}

impl Running {
    pub(crate) fn new(mut child: Child) -> Self {
        let (stdout, stdout_reader) = Output::capture(child.stdout.take().expect("stdout is piped"));
        let (stderr, stderr_reader) = Output::capture(child.stderr.take().expect("stderr is piped"));
        Self { child, stdout, stderr, readers: [stdout_reader, stderr_reader] }
    }

    /// Waits for the exit of the process and the end of its output.
    pub(crate) async fn wait_exit(mut self) -> ProcessOutput {
        let status =
            within(self.child.wait(), "the process to exit").await.expect("a child can be waited for");
        for reader in self.readers {
            within(reader, "the output of the process to end").await.expect("reading output does not panic");
        }
        ProcessOutput { status, stdout: self.stdout.text(), stderr: self.stderr.text() }
    }
}
