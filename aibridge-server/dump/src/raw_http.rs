//! Heads as HTTP/1.1 has them, with the headers in order of their names: easy to read, and to compare.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};

/// `POST /v1/responses HTTP/1.1` and the headers. Which protocol it will be is not known yet.
pub(crate) fn request(method: &Method, target: &str, headers: &HeaderMap) -> Bytes {
    head(&format!("{method} {target} HTTP/1.1"), headers)
}

/// `HTTP/1.1 200 OK` and the headers.
pub(crate) fn response(version: Version, status: StatusCode, headers: &HeaderMap) -> Bytes {
    let reason = status.canonical_reason().unwrap_or_default();
    head(&format!("{version:?} {} {reason}", status.as_u16()), headers)
}

fn head(first_line: &str, headers: &HeaderMap) -> Bytes {
    let mut sorted: Vec<_> = headers.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    let mut text = Vec::from(first_line);
    for (name, value) in sorted {
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
    }
    text.extend_from_slice(b"\r\n\r\n");
    text.into()
}
