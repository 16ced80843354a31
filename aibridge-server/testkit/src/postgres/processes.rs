//! The processes of a PostgreSQL server, and signals to them.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Child;

/// The main process `main` and its children.
pub(super) fn processes(main: u32) -> Vec<Pid> {
    let all = [main].into_iter().chain(children(main));
    all.filter_map(|id| Pid::from_raw(i32::try_from(id).ok()?)).collect()
}

/// The child processes of process `id`.
fn children(id: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Whether a process exists and is not a zombie.
pub(super) fn is_alive(process: &Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// Sends `signal` to a process that has not been waited for.
pub(super) fn kill(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("a child can be signalled");
}
