//! The signals that the process handles.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives the signals that stop the process.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

/// A signal that stops the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, as sent by Ctrl-C.
    Interrupt,
    /// SIGTERM, as sent by service managers.
    Terminate,
}

impl StopSignals {
    /// Handles the signals from now on.
    ///
    /// # Errors
    ///
    /// If the operating system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

impl StopSignal {
    /// Returns the exit code that shells report for a process that this signal ended.
    pub const fn exit_code(self) -> u8 {
        128 + match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// Handles SIGHUP, which reloads the settings.
///
/// # Errors
///
/// If the operating system refuses.
pub fn hangup() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}
