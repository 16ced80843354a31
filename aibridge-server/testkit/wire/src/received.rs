//! A request as a scripted provider received it.

use crate::wire::{self, Headers};
use bytes::Bytes;
use serde_json::Value;

/// A request as the provider received it.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// The number of the request in order of arrival over all connections, from 0.
    pub number: usize,
    /// The number of its connection in order of acceptance, from 0.
    pub connection: usize,
    /// The method in its original case.
    pub method: String,
    /// The request target as sent: path and query, or an absolute URL.
    pub target: String,
    /// Names and values in wire order and spelling. Invalid UTF-8 is replaced; `raw_head` has the bytes.
    pub headers: Vec<(String, String)>,
    /// The bytes of the request line and headers, including the empty line.
    pub raw_head: Bytes,
    /// The body with its chunk framing removed.
    pub body: Bytes,
}

impl ReceivedRequest {
    pub(crate) fn parse(connection: usize, raw_head: Bytes) -> Self {
        let (method, target, headers): (_, _, Headers) = wire::parse_request(&raw_head);
        Self { number: 0, connection, method, target, headers, raw_head, body: Bytes::new() }
    }

    /// The first value of the header `name`. Case is ignored.
    pub fn header(&self, name: &str) -> Option<&str> {
        wire::find(&self.headers, name)
    }

    /// All values of the header `name`. Case is ignored.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The bearer token of the first `Authorization` header, if it has one.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}
