//! Formats request and response heads as HTTP/1.1, with the headers sorted by name so that two dumps can be compared.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};

/// Formats `POST /v1/responses HTTP/1.1` and the headers. The protocol version is not known yet, so it is always 1.1.
pub(crate) fn request(method: &Method, target: &str, headers: &HeaderMap) -> Bytes {
    head(&format!("{method} {target} HTTP/1.1"), headers)
}

/// Formats `HTTP/1.1 200 OK` and the headers.
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
