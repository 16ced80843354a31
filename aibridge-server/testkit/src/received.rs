use crate::wire::{self, Headers};
use bytes::Bytes;
use serde_json::Value;

/// A request as the provider received it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its place in the order of arrival over all connections, from 0.
    pub number: usize,
    /// Which connection it came on, from 0.
    pub connection: usize,
    /// The method.
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// In wire order and spelling. Bytes outside UTF-8 are replaced; see `raw_head`.
    pub headers: Vec<(String, String)>,
    /// The request line and headers with their empty line, as they were sent.
    pub raw_head: Bytes,
    /// The body without its chunking.
    pub body: Bytes,
}

impl Received {
    pub(crate) fn parse(connection: usize, raw_head: Bytes) -> Self {
        let (method, target, headers): (_, _, Headers) = wire::parse_request(&raw_head);
        Self { number: 0, connection, method, target, headers, raw_head, body: Bytes::new() }
    }

    /// The first value of the header `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        wire::find(&self.headers, name)
    }

    /// All values of the header `name`, in any case.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The bearer token.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}
