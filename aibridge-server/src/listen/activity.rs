use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What one HTTP/1 connection is doing. Only the task of the connection uses it, so no ordering is needed.
#[derive(Debug, Default)]
pub(super) struct Activity {
    head_begun: AtomicBool,
    is_http_10: AtomicBool,
}

impl Activity {
    /// Notes that hyper has read `bytes`. Empty lines before a request are no part of it (RFC 9112 §2.2).
    pub(super) fn received(&self, bytes: &[u8]) {
        if bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
            self.head_begun.store(true, Relaxed);
        }
    }

    /// Notes that the next bytes belong to the next request.
    pub(super) fn await_head(&self) {
        self.head_begun.store(false, Relaxed);
    }

    /// Whether bytes of the next request have come.
    pub(super) fn has_head_begun(&self) -> bool {
        self.head_begun.load(Relaxed)
    }

    /// Notes the version of the current request.
    pub(super) fn requested(&self, version: http::Version) {
        self.is_http_10.store(version == http::Version::HTTP_10, Relaxed);
    }

    /// Whether only the end of the connection may tell the client where the current response ends: HTTP/1.0 has no
    /// chunks.
    pub(super) fn is_close_delimited(&self) -> bool {
        self.is_http_10.load(Relaxed)
    }
}
