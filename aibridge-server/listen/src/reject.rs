//! Requests that HTTP requires a server to refuse and that hyper accepts.

use aibridge_intercept::{ErrorKind, ErrorResponse};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Version, header};

/// The reason why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("the request has no Host header: HTTP/1.1 requires one (RFC 9112 section 3.2)")]
    MissingHost,
    #[error("the request has more than one Host header: send one (RFC 9112 section 3.2)")]
    SeveralHosts,
    #[error("the Host header is no host: send the host and port of the URL (RFC 9112 section 3.2)")]
    InvalidHost,
    #[error("the transfer coding is not supported: use Transfer-Encoding: chunked alone, or Content-Length")]
    TransferCoding,
}

impl Rejection {
    /// Checks `Host` and `Transfer-Encoding` of `request`.
    pub(crate) fn check<B>(request: &Request<B>) -> Result<(), Self> {
        check_host(request.version(), request.headers())?;
        check_transfer_coding(request.headers())
    }
}

impl From<Rejection> for ErrorResponse {
    /// The rest of the request is not read, so the connection closes afterwards.
    fn from(rejection: Rejection) -> Self {
        let (status, code) = match rejection {
            Rejection::MissingHost | Rejection::SeveralHosts | Rejection::InvalidHost => {
                (StatusCode::BAD_REQUEST, "invalid_header")
            }
            Rejection::TransferCoding => (StatusCode::NOT_IMPLEMENTED, "unsupported_encoding"),
        };
        Self::new(status, ErrorKind::InvalidRequest, code, rejection.to_string())
            .with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }
}

/// HTTP/2 has `:authority` instead, and HTTP/1.0 may have none.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Rejection> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => Err(Rejection::MissingHost),
        (Some(_), Some(_)) => Err(Rejection::SeveralHosts),
        (Some(host), None) if !host.as_bytes().iter().copied().all(is_in_host) => Err(Rejection::InvalidHost),
        _ => Ok(()),
    }
}

/// Whether `byte` may occur in `uri-host [":" port]` (RFC 3986 §3.2.2).
fn is_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

fn check_transfer_coding(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Rejection::TransferCoding),
    }
}
