//! The state of one walk, shared by the walker and the keys that it offered.

use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The shared state of a walk.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The model of the request; not set if the request names none, or before the name was read.
    model: OnceLock<String>,
    /// Whether a key of this walk was rate-limited or out of credit.
    rate_limited: AtomicBool,
    /// The indexes of keys that received a 401 that did not name them.
    suspects: Mutex<Vec<usize>>,
}

impl Walk {
    pub(crate) fn new(model: Option<String>) -> Self {
        Self { model: model.map(OnceLock::from).unwrap_or_default(), ..Self::default() }
    }

    pub(crate) fn model(&self) -> Option<&str> {
        self.model.get().map(String::as_str)
    }

    /// Sets the model, unless the walk has one.
    pub(crate) fn set_model(&self, model: String) {
        self.model.get_or_init(|| model);
    }

    pub(crate) fn set_rate_limited(&self) {
        self.rate_limited.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_rate_limited(&self) -> bool {
        self.rate_limited.load(Ordering::Relaxed)
    }

    pub(crate) fn add_suspect(&self, index: usize) {
        self.suspects.lock().push(index);
    }

    pub(crate) fn take_suspects(&self) -> Vec<usize> {
        std::mem::take(&mut self.suspects.lock())
    }
}
