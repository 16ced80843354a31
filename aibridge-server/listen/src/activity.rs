//! The state of an HTTP/1 connection, shared by its reader, its timer and its service.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The state of one HTTP/1 connection. Only the task of the connection uses it, so no memory ordering is needed.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    head_begun: AtomicBool,
    is_http_10: AtomicBool,
}

impl Activity {
    /// Records that hyper has read `bytes`. Empty lines before a request do not belong to it (RFC 9112 §2.2).
    pub(crate) fn received(&self, bytes: &[u8]) {
        if bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
            self.head_begun.store(true, Relaxed);
        }
    }

    /// Records that the next bytes belong to the next request.
    pub(crate) fn await_head(&self) {
        self.head_begun.store(false, Relaxed);
    }

    /// Whether bytes of the next request have arrived.
    pub(crate) fn has_head_begun(&self) -> bool {
        self.head_begun.load(Relaxed)
    }

    /// Records the version of the current request.
    pub(crate) fn request_began(&self, version: http::Version) {
        self.is_http_10.store(version == http::Version::HTTP_10, Relaxed);
    }

    /// Whether the end of the connection may be the only mark of the end of the current response: HTTP/1.0 has no
    /// chunks.
    pub(crate) fn is_close_delimited(&self) -> bool {
        self.is_http_10.load(Relaxed)
    }
}
