//! Detects failed requests that the provider provably did not process, and that may be sent once more.
//!
//! A reused connection that closed before any byte of a request was written does not matter here: the HTTP client uses
//! another connection by itself.

use h2::Reason;
use http::Method;
use std::error::Error;

/// Whether the provider did not process the request (RFC 9113 §8.7): it reset the stream with `REFUSED_STREAM`, or named
/// an earlier stream as the last one in `GOAWAY`.
///
/// The HTTP client reports a `GOAWAY` for the streams that the frame excludes, and for a request that it handed over just
/// before the frame arrived. The latter may have been sent, but without its body. `GOAWAY` therefore proves nothing for a
/// request without a body, which is sent once more only if its method is safe (RFC 9110 §9.2.1).
pub(super) fn is_unprocessed(error: &reqwest::Error, method: &Method, has_body: bool) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
            let is_excluded = error.is_go_away() && (has_body || method.is_safe());
            return error.is_remote() && (is_refused || is_excluded);
        }
        cause = error.source();
    }
    false
}
