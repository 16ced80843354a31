//! The timeout and the errors of reading a client's request body.

use aibridge_error::Error;
use std::io;
use std::time::Duration;

/// The longest pause between two pieces of a request body.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The error for a client that has sent nothing for too long.
pub fn idle_error() -> Error {
    Error::RequestIncomplete("the client stopped sending")
}

/// The error for a client that was still sending when the time for the request was over.
pub fn timeout_error() -> Error {
    Error::RequestIncomplete("it took longer to arrive than the provider's response_timeout")
}

/// The error for a body that could not be read because of `error`: its chunks are malformed, or the connection broke.
pub fn read_error(error: &(dyn std::error::Error + 'static)) -> Error {
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
