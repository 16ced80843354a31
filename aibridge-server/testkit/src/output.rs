//! The captured output of a process.

use parking_lot::Mutex;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

/// The bytes that a process has printed so far. Clones share one buffer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    /// Captures `pipe` in a task of its own until the pipe closes.
    pub(crate) fn capture(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> (Self, JoinHandle<()>) {
        let output = Self::default();
        let captured = output.clone();
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; 8 * 1024];
            while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
                captured.0.lock().extend_from_slice(&buffer[..read]);
            }
        });
        (output, reading)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }
}
