//! The rules for requests of web pages: `Host`, `Origin` and CORS.
//!
//! A browser sends requests of any page to any address, the user's own machine included. Without access tokens, `Host`,
//! `Origin` and `Sec-Fetch-Site` show whether a request comes from a page, and from which. `server.cors_origins` allows
//! chosen origins to read responses (CORS).

use crate::refusal::Refusal;
use aibridge_config::{Admin, Server};
use aibridge_listen::Peer;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Response, StatusCode, Version};
use std::net::IpAddr;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// All methods that routes accept.
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// The response headers that scripts may read beside the CORS-safelisted ones: the gateway's own, and those that SDKs read.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "X-AIBridge-Interception-Id, X-AIBridge-Error, Retry-After, Retry-After-Ms, X-Should-Retry, \
     X-Request-Id, Request-Id, \
     X-RateLimit-Limit-Requests, X-RateLimit-Remaining-Requests, X-RateLimit-Reset-Requests, \
     X-RateLimit-Limit-Tokens, X-RateLimit-Remaining-Tokens, X-RateLimit-Reset-Tokens",
);

/// The time for which a browser may cache the response to a preflight, in seconds.
const PREFLIGHT_MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The most characters of a header that an error message quotes.
const MAX_QUOTED: usize = 100;

/// The rules for requests of web pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPolicy {
    /// The listen addresses of the settings.
    listen: Vec<IpAddr>,
    allowed_hosts: Vec<String>,
    /// The listed origins, without `*`.
    cors_origins: Vec<String>,
    any_origin: bool,
}

impl OriginPolicy {
    /// Creates the rules from the settings.
    pub fn new(server: &Server, admin: &Admin) -> Self {
        let is_any = |origin: &&String| *origin == aibridge_config::ANY_ORIGIN;
        Self {
            listen: [Some(server.listen), admin.listen]
                .iter()
                .flatten()
                .map(|address| address.ip())
                .collect(),
            allowed_hosts: server.allowed_hosts.clone(),
            cors_origins: server.cors_origins.iter().filter(|origin| !is_any(origin)).cloned().collect(),
            any_origin: server.cors_origins.iter().any(|origin| is_any(&origin)),
        }
    }

    /// Checks the host and the origin of a request without an access token. `*` in `cors_origins` does not count here,
    /// because it stands for pages that send a token.
    ///
    /// # Errors
    ///
    /// [`Refusal::HostNotAllowed`] and [`Refusal::OriginNotAllowed`].
    pub fn admit(&self, request: &Parts) -> Result<(), Refusal> {
        let local = Peer::of(request).local;
        self.check_host(request, local)?;
        self.check_origin(&request.headers, local)
    }

    /// Returns the response to a CORS preflight of an origin that may read responses. Returns `None` for other requests,
    /// and for a preflight of a page on the gateway's own machine whose origin is not listed: it is routed like others.
    ///
    /// # Errors
    ///
    /// [`Refusal::OriginNotAllowed`]; also [`Refusal::HostNotAllowed`] unless clients are authenticated `by_token`.
    pub fn preflight(&self, request: &Parts, by_token: bool) -> Result<Option<Response<()>>, Refusal> {
        let headers = &request.headers;
        let is_preflight = request.method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return Ok(None);
        }
        let local = Peer::of(request).local;
        if !by_token {
            self.check_host(request, local)?;
        }
        match self.allowed_origin(headers) {
            Some(_) => Ok(Some(preflight_response(headers))),
            None => self.check_origin(headers, local).map(|()| None),
        }
    }

    /// Adds the CORS headers that allow a page of a listed origin to read the response to `request`.
    pub fn add_headers(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if !self.cors_origins.is_empty() {
            response.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = self.allowed_origin(request) {
            response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }

    /// Returns the origin that may read the response: that of the request, or `*`.
    fn allowed_origin(&self, request: &HeaderMap) -> Option<HeaderValue> {
        if !self.any_origin && self.cors_origins.is_empty() {
            return None;
        }
        let mut origins = request.get_all(header::ORIGIN).iter();
        match (origins.next()?, origins.next()) {
            (_, None) if self.any_origin => Some(HeaderValue::from_static(aibridge_config::ANY_ORIGIN)),
            (origin, None) if self.lists(origin.to_str().ok()?) => Some(origin.clone()),
            _ => None,
        }
    }

    fn lists(&self, origin: &str) -> bool {
        self.cors_origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin))
    }

    /// Checks every host that the request names: `Host`, and the authority of its target, which replaces `Host` in the
    /// absolute form (RFC 9112 §3.2.2). Browsers send no HTTP/1.0 without `Host`.
    fn check_host(&self, request: &Parts, local: IpAddr) -> Result<(), Refusal> {
        let headers = request.headers.get_all(header::HOST).iter();
        let named = headers.map(|host| host.to_str().unwrap_or_default());
        // The target of CONNECT is no URL, and is on no route.
        let is_url = request.uri.scheme().is_some() || request.version >= Version::HTTP_2;
        let authority = request.uri.authority().filter(|_| is_url).map(Authority::as_str);
        let mut all = authority.into_iter().chain(named).peekable();
        if all.peek().is_none() && request.version != Version::HTTP_10 {
            return Err(Refusal::HostNotAllowed(String::new()));
        }
        match all.find(|host| !self.is_own_or_allowed(host, local)) {
            Some(host) => Err(Refusal::HostNotAllowed(quoted(host))),
            None => Ok(()),
        }
    }

    fn check_origin(&self, headers: &HeaderMap, local: IpAddr) -> Result<(), Refusal> {
        let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
        let has_origin = origins.peek().is_some();
        for origin in origins {
            let origin = origin.to_str().unwrap_or_default();
            let host = origin.split_once("://").map(|(_, host)| host);
            if !host.is_some_and(|host| self.is_own_or_allowed(host, local)) && !self.lists(origin) {
                return Err(Refusal::OriginNotAllowed(format!("{:?}", quoted(origin))));
            }
        }
        let is_own = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
        if !has_origin && !headers.get_all(SEC_FETCH_SITE).iter().all(is_own) {
            return Err(Refusal::OriginNotAllowed("another site".to_owned()));
        }
        Ok(())
    }

    /// Whether `authority`, a host with or without a port, is the gateway's machine or an allowed host.
    fn is_own_or_allowed(&self, authority: &str, local: IpAddr) -> bool {
        let Ok(parsed) = authority.parse::<Authority>() else { return false };
        if authority.contains('@') {
            return false;
        }
        let host = parsed.host();
        let name = host.strip_suffix('.').unwrap_or(host);
        let is_allowed = |allowed: &String| {
            [name, host, authority].iter().any(|named| allowed.eq_ignore_ascii_case(named))
        };
        let is_own = match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => self.is_own_address(address, local),
            Err(_) => is_loopback_name(name),
        };
        is_own || self.allowed_hosts.iter().any(is_allowed)
    }

    fn is_own_address(&self, address: IpAddr, local: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_same = |other: &IpAddr| other.to_canonical() == address;
        address.is_loopback() || is_same(&local) || self.listen.iter().any(is_same)
    }
}

/// Whether `name` is `localhost` or a name below it (RFC 6761 §6.3).
fn is_loopback_name(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or_default();
    top.eq_ignore_ascii_case("localhost")
}

fn preflight_response(request: &HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
    // SDKs send headers of their own, so no fixed list is complete.
    for requested in request.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.append(header::ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
    }
    if request.contains_key(REQUEST_PRIVATE_NETWORK) {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE);
    let varies = "Access-Control-Request-Method, Access-Control-Request-Headers";
    headers.insert(header::VARY, HeaderValue::from_static(varies));
    response
}

fn quoted(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}

#[cfg(test)]
mod tests;
