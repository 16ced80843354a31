//! Forwarding of headers in both directions. The rules for names are in `rules`.

mod rules;

#[cfg(test)]
mod tests;

pub(crate) use rules::canonical;

use crate::actor::Actor;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use rules::{is_forwarded_downstream, is_forwarded_upstream, named_by_connection, with_access_token};

/// The header with the id of the interception, in every response whose interception is recorded.
pub const INTERCEPTION_ID: HeaderName = HeaderName::from_static("x-aibridge-interception-id");

/// Builds the headers of an upstream request from those of the client.
#[derive(Debug)]
pub struct RequestHeaderRules<'a> {
    /// The request uses a key of the pool, so the client cannot choose organisation and project.
    pub centralized: bool,
    /// The body was decompressed for an edit.
    pub decompressed: bool,
    /// The header of the provider's keys, which the client cannot set.
    pub auth_header: &'a HeaderName,
    /// Headers of the settings, which replace the client's.
    pub extra: &'a HeaderMap,
    /// The actor to name to the provider, if any.
    pub actor: Option<&'a Actor>,
}

impl RequestHeaderRules<'_> {
    /// The headers of the upstream request, without the credential. A client's header with an access token in any value
    /// is omitted, and `Accept-Encoding` is always `identity`.
    pub fn apply(&self, client: &HeaderMap) -> HeaderMap {
        let (named, secret) = (named_by_connection(client), with_access_token(client));
        let mut headers = HeaderMap::with_capacity(client.len() + self.extra.len() + 3);
        for (name, value) in client {
            let canonical = canonical(name.as_str());
            let is_forwarded = is_forwarded_upstream(&canonical, self)
                && !named.iter().any(|named| *named == canonical)
                && !secret.contains(name)
                && !self.replaces(&canonical);
            if is_forwarded {
                headers.append(name, value.clone());
            }
        }
        if !headers.contains_key(header::USER_AGENT) {
            headers.insert(
                header::USER_AGENT,
                HeaderValue::from_static(concat!("aibridge/", env!("CARGO_PKG_VERSION"))),
            );
        }
        // Without it, a provider could choose a coding that the client does not understand.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for name in self.extra.keys() {
            headers.remove(name);
        }
        for (name, value) in self.extra {
            headers.append(name, value.clone());
        }
        if let Some(actor) = self.actor {
            actor.add_headers(&mut headers);
        }
        headers
    }

    /// Whether the key or an extra header replaces the client's header `name`, in canonical form.
    fn replaces(&self, name: &str) -> bool {
        self.extra.keys().chain([self.auth_header]).any(|header| canonical(header.as_str()) == name)
    }
}

/// The headers of the client's response, from those of the provider. `Content-Length` is left to the sender of the body.
pub fn response_headers(provider: &HeaderMap, centralized: bool) -> HeaderMap {
    let named = named_by_connection(provider);
    let mut headers = HeaderMap::with_capacity(provider.len() + 3);
    for (name, value) in provider {
        let canonical = canonical(name.as_str());
        if is_forwarded_downstream(&canonical, centralized) && !named.iter().any(|named| *named == canonical)
        {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// Adds headers that make proxies on the way to the client relay a stream without buffering.
pub fn add_streaming(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}
