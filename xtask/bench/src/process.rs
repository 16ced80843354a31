//! Child processes, pinned to a core, and their CPU time and memory.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A child process that is terminated when it is dropped.
pub(super) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stdin: Option<ChildStdin>,
}

impl Process {
    /// A command that runs `program` on `core` (on the last core if there are fewer), with the highest limit on open files.
    pub(super) fn command(core: usize, program: &Path) -> Command {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let files = open_files().unwrap_or(u64::from(u16::MAX));
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={files}:"));
        command.args(["taskset", "-c", &core.min(cores - 1).to_string()]).arg(program);
        command
    }

    /// Starts `command` with piped input and output.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let stdout = BufReader::new(child.stdout.take().context("the output is piped")?);
        let stdin = child.stdin.take();
        Ok(Self { child, stdout, stdin })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads the next line of the output.
    pub(super) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the process ended without output");
        Ok(line)
    }

    /// Closes the input of the process and waits until it ends.
    pub(super) fn wait(&mut self) -> Result<()> {
        self.stdin.take();
        let status = self.child.wait()?;
        ensure!(status.success(), "the process failed with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let terminated = Command::new("kill").arg(self.pid().to_string()).stderr(Stdio::null()).status();
        if !terminated.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The hard limit on open files of this process, `None` if there is no limit.
pub(super) fn open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Returns the user and system time of all threads of `pid`, including ended threads. The CPU clock counts in
/// nanoseconds; `/proc/PID/stat` has the same value in ticks of 10 ms.
#[cfg(target_os = "linux")]
pub(super) fn cpu(pid: u32) -> Result<Duration> {
    use nix::time::{clock_getcpuclockid, clock_gettime};
    let clock = clock_getcpuclockid(nix::unistd::Pid::from_raw(pid.try_into()?))?;
    Ok(clock_gettime(clock)?.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn cpu(_: u32) -> Result<Duration> {
    anyhow::bail!("the bench reads CPU clocks of Linux")
}

/// Returns the resident memory of `pid`, in bytes.
pub(super) fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
