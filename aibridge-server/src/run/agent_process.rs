//! The process of the agent. It has the terminal; signals that the launcher receives are passed to it.

use aibridge_cli::launch::Setup;
use rustix::process::{Pid, Signal as RawSignal, kill_process};
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code that shells report for a process that a signal ended, without the number of the signal.
const SIGNAL_BASE: i32 = 128;

/// A running agent with the signals to pass to it.
pub(super) struct AgentProcess {
    child: Child,
    signals: Signals,
}

struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hangup: Signal,
    user: [Signal; 2],
    /// Whether a terminal sends Ctrl-C and Ctrl-\ to the agent itself, which is in the same process group.
    has_terminal: bool,
}

impl AgentProcess {
    /// Starts `program` with the variables and arguments of `setup`, then the user's own arguments.
    pub(super) fn start(program: &OsStr, setup: &Setup, arguments: &[OsString]) -> io::Result<Self> {
        let signals = Signals::listen()?;
        let mut command = Command::new(program);
        command.args(&setup.arguments).args(arguments);
        command.envs(setup.variables.iter().map(|(name, value)| (name, value)));
        Ok(Self { child: command.spawn()?, signals })
    }

    /// Waits for the end of the agent, and returns its exit code.
    pub(super) async fn wait(mut self) -> io::Result<u8> {
        loop {
            tokio::select! {
                status = self.child.wait() => return Ok(exit_code(status?)),
                signal = self.signals.next() => {
                    let pid = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
                    if let Some(pid) = pid {
                        let _ = kill_process(pid, signal); // it may just have ended
                    }
                }
            }
        }
    }
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            user: [signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?],
            has_terminal: io::stdin().is_terminal(),
        })
    }

    /// Waits for the next signal that the terminal did not send to the agent.
    async fn next(&mut self) -> RawSignal {
        let [first, second] = &mut self.user;
        loop {
            let (signal, is_from_terminal) = tokio::select! {
                _ = self.interrupt.recv() => (RawSignal::INT, self.has_terminal),
                _ = self.quit.recv() => (RawSignal::QUIT, self.has_terminal),
                _ = self.terminate.recv() => (RawSignal::TERM, false),
                _ = self.hangup.recv() => (RawSignal::HUP, false),
                _ = first.recv() => (RawSignal::USR1, false),
                _ = second.recv() => (RawSignal::USR2, false),
            };
            if !is_from_terminal {
                return signal;
            }
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(SIGNAL_BASE + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
