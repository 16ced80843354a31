//! Which failed requests may be sent once more: those that the provider provably did not process.
//!
//! A reused connection that closed before any byte of a request was written is not here: the HTTP client takes another
//! connection by itself.

use h2::Reason;
use std::error::Error;

/// Whether the provider says that it did not process the request (RFC 9113 §8.7): it reset the stream with
/// `REFUSED_STREAM`, or named an earlier stream as the last one in `GOAWAY`.
///
/// h2 reports a `GOAWAY` of the other side only on streams that the frame excludes. The others go on, or end with the
/// error of their connection.
pub(super) fn is_unprocessed(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote()
                && (error.is_go_away()
                    || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM));
        }
        cause = error.source();
    }
    false
}
