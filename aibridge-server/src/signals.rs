//! What the operating system tells the process to do.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask it to stop.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

/// A signal that asks it to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: a service manager.
    Terminate,
}

impl StopSignals {
    /// Listens for them, from now on.
    ///
    /// # Errors
    ///
    /// If the operating system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The next one.
    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

impl StopSignal {
    /// What a process exits with that this signal ended, as shells have it.
    pub const fn exit_code(self) -> u8 {
        128 + match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// SIGHUP, which asks to read the settings again.
///
/// # Errors
///
/// If the operating system refuses.
pub fn hangup() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}
