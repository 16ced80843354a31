//! Access to the routes for operators. Callers are the bearer of an access token, a session of the dashboard, or, without access
//! tokens, a connection from the gateway's own machine.

use super::{Admin, needs_admin};
use aibridge_admission::Refusal;
use aibridge_admission::auth;
use aibridge_api::{Access, Caller};
use aibridge_dashboard::cross_site;
use aibridge_handler::runtime_config::RuntimeSnapshot;
use aibridge_intercept::Actor;
use aibridge_listen::Peer;
use http::request::Parts;
use http::{HeaderName, Method, header};

/// Headers in which a proxy names its client. With one of them, the address of the connection is not that of the client.
const FORWARDED: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

impl Admin {
    /// Checks that the request may read metrics. On a connection from the gateway's own machine, and on the admin
    /// listener, it needs no token, but the origin rules apply: a web page could use the browser of the operator.
    pub(super) async fn admit_to_metrics(&self, request: &Parts) -> Result<(), Refusal> {
        let snapshot = self.app.runtime_config.load();
        let headers = &request.headers;
        if self.shared && !is_local(request) {
            return snapshot.authenticator.require_admin(headers).await;
        }
        match snapshot.origin_policy.admit(request) {
            Err(_) if snapshot.authenticator.requires_tokens() && auth::has_token(headers) => {
                snapshot.authenticator.require_admin(headers).await
            }
            admitted => admitted,
        }
    }

    /// Finds the caller of an endpoint, and checks that the caller has the access that it needs.
    pub(super) async fn caller(&self, access: Access, request: &Parts) -> Result<Caller, Refusal> {
        let snapshot = self.app.runtime_config.load();
        let anonymous_user = || anonymous(false);
        if access == Access::Public {
            if !snapshot.authenticator.requires_tokens() {
                snapshot.origin_policy.admit(request)?;
            }
            return Ok(anonymous_user());
        }
        let caller = match snapshot.authenticator.requires_tokens() {
            true => self.bearer(&snapshot, request).await?,
            false => operator(&snapshot, request)?,
        };
        if needs_admin(access) && !caller.is_admin {
            return Err(Refusal::AdminOnly("this needs an admin token"));
        }
        Ok(caller)
    }

    /// The bearer of the access token in the headers, or else of that of a session of the dashboard.
    async fn bearer(&self, snapshot: &RuntimeSnapshot, request: &Parts) -> Result<Caller, Refusal> {
        let headers = &request.headers;
        let session = if auth::has_token(headers) { None } else { self.sessions.find(headers) };
        let identity = match session {
            None => snapshot.authenticator.bearer(headers).await?,
            Some(token) => {
                if is_change(&request.method) && !cross_site::is_same_origin(request) {
                    return Err(Refusal::OriginNotAllowed("another site".to_owned()));
                }
                snapshot.authenticator.authenticate(&token).await?
            }
        };
        Ok(Caller {
            user: identity.user,
            is_admin: identity.admin,
            groups: identity.groups,
            key: identity.token_id.to_string(),
        })
    }
}

/// The operator at the gateway's own machine, if there are no access tokens. A change must not come from a page of another
/// origin, even of this machine.
fn operator(snapshot: &RuntimeSnapshot, request: &Parts) -> Result<Caller, Refusal> {
    if !is_local(request) {
        return Err(Refusal::AdminOnly("only requests from the gateway's own machine may read this"));
    }
    snapshot.origin_policy.admit(request)?;
    if is_change(&request.method)
        && cross_site::is_from_browser(request)
        && !cross_site::is_same_origin(request)
    {
        return Err(Refusal::OriginNotAllowed("another site".to_owned()));
    }
    Ok(anonymous(true))
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Whether the request comes from the gateway's own machine, and no proxy forwards it.
pub(crate) fn is_local(request: &Parts) -> bool {
    Peer::of(request).remote.ip().to_canonical().is_loopback()
        && !FORWARDED.iter().any(|name| request.headers.contains_key(name))
}

/// A caller without an access token.
fn anonymous(is_admin: bool) -> Caller {
    Caller { user: Actor::anonymous().id, is_admin, groups: Vec::new(), key: String::new() }
}
