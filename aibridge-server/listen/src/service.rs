//! The hyper service of a connection: checks each request, then calls the router.

use crate::peer::Peer;
use crate::reject::Rejection;
use aibridge_intercept::ErrorResponse;
use axum::Router;
use axum::body::Body;
use futures_util::future::{Either, Ready, ready};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use std::convert::Infallible;
use std::sync::Arc;

/// The router behind the checks of [`Rejection`]. Adds the [`Peer`] to each request.
pub(crate) struct RequestService {
    router: TowerToHyperService<Router>,
    peer: Peer,
    refuse: Refuse,
}

/// Returns the response to a refused request with the path.
pub type Refuse = Arc<dyn Fn(&str, ErrorResponse) -> Response<Body> + Send + Sync>;

impl RequestService {
    pub(crate) fn new(router: Router, peer: Peer, refuse: Refuse) -> Self {
        Self { router: TowerToHyperService::new(router), peer, refuse }
    }
}

impl Service<Request<Incoming>> for RequestService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        TowerToHyperServiceFuture<Router, Request<Incoming>>,
        Ready<Result<Response<Body>, Infallible>>,
    >;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Err(rejection) = Rejection::check(&request) {
            tracing::debug!(peer = %self.peer.remote, %rejection, "refused a request");
            let response = (self.refuse)(request.uri().path(), rejection.into());
            return Either::Right(ready(Ok(response)));
        }
        request.extensions_mut().insert(self.peer);
        Either::Left(self.router.call(request))
    }
}
