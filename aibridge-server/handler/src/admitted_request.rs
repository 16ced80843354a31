//! A request that passed every check of its head.

use aibridge_admission::route::Target;
use aibridge_intercept::Actor;
use aibridge_limits::RequestPermit;
use axum::body::Body;
use http::HeaderMap;
use http::request::Parts;

/// A request that passed every check of its head. Its body is unread.
pub(crate) struct AdmittedRequest<'a> {
    /// The provider, the matching route, and the path at the provider.
    pub(crate) target: Target,
    /// The authenticated actor.
    pub(crate) actor: Actor,
    /// The client's headers, without the access token.
    pub(crate) headers: HeaderMap,
    /// The permit, acquired when the body is read or begins to stream.
    pub(crate) permit: RequestPermit,
    /// The head of the request as received.
    pub(crate) parts: &'a Parts,
    /// The unread body.
    pub(crate) body: &'a mut Body,
}
