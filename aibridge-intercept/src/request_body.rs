//! What a client is told whose request body cannot be read.

use crate::error::Error;
use std::io;
use std::time::Duration;

/// A client that sends nothing of its body for so long has lost it.
pub const SILENCE: Duration = Duration::from_secs(60);

/// The error for a client that has sent nothing for [`SILENCE`].
pub fn too_slow() -> Error {
    Error::RequestIncomplete("the client stopped sending")
}

/// The error for a client that was still sending when the time for the request was over.
pub fn too_slow_as_a_whole() -> Error {
    Error::RequestIncomplete("it took longer to arrive than the provider's response_timeout")
}

/// The error for a body whose reading failed with `error`: its chunks are malformed, or the connection broke.
pub fn unreadable(error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if let Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) = kind {
            return Error::RequestMalformed("a chunk is malformed (RFC 9112 section 7.1)");
        }
        cause = error.source();
    }
    Error::RequestIncomplete("the connection broke")
}
