//! Which headers are forwarded, in both directions. The names are in [`rules`].

mod rules;

#[cfg(test)]
mod tests;

pub(crate) use rules::canonical;

use crate::actor::Actor;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use rules::{named_by_connection, reaches_client, reaches_provider, with_access_token};

/// The id of the interception, on every answer once it is recorded.
pub const INTERCEPTION_ID: HeaderName = HeaderName::from_static("x-aibridge-interception-id");

/// What decides which of a client's headers reach the provider.
#[derive(Debug)]
pub struct ToProvider<'a> {
    /// A key of the pool pays: the client does not choose organisation and project.
    pub centralized: bool,
    /// The body was decompressed to be edited.
    pub decompressed: bool,
    /// Added to every request, replacing the client's.
    pub extra: &'a HeaderMap,
    /// Who is told to the provider.
    pub actor: Option<&'a Actor>,
}

impl ToProvider<'_> {
    /// The headers of the upstream request, except for the credential. A client's header that contains an access token
    /// is left out with all its values, whatever its name.
    pub fn apply(&self, client: &HeaderMap) -> HeaderMap {
        let (named, secret) = (named_by_connection(client), with_access_token(client));
        let mut headers = HeaderMap::with_capacity(client.len() + self.extra.len() + 2);
        for (name, value) in client {
            let canonical = canonical(name.as_str());
            let passes = reaches_provider(&canonical, self)
                && !named.iter().any(|named| *named == canonical)
                && !secret.contains(name)
                && !self.replaces(&canonical);
            if passes {
                headers.append(name, value.clone());
            }
        }
        if !headers.contains_key(header::USER_AGENT) {
            headers.insert(
                header::USER_AGENT,
                HeaderValue::from_static(concat!("aibridge/", env!("CARGO_PKG_VERSION"))),
            );
        }
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

    /// Whether an extra header takes the place of the client's header `name`, in canonical form.
    fn replaces(&self, name: &str) -> bool {
        self.extra.keys().any(|extra| canonical(extra.as_str()) == name)
    }
}

/// The headers of the client's answer, from the provider's. `Content-Length` is left to whoever sends the body.
pub fn to_client(provider: &HeaderMap, centralized: bool) -> HeaderMap {
    let named = named_by_connection(provider);
    let mut headers = HeaderMap::with_capacity(provider.len() + 3);
    for (name, value) in provider {
        let canonical = canonical(name.as_str());
        if reaches_client(&canonical, centralized) && !named.iter().any(|named| *named == canonical) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// Asks everything between here and the client not to hold a stream back.
pub fn add_streaming(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}
