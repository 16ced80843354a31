use super::reject::Rejection;
use axum::Router;
use axum::body::Body;
use futures_util::future::{Either, Ready, ready};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use std::convert::Infallible;
use std::net::SocketAddr;

/// Who is at the other end of a request's connection: an extension of every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The router, told who asks.
pub(super) struct Routed {
    router: TowerToHyperService<Router>,
    peer: Peer,
}

impl Routed {
    pub(super) fn new(router: Router, peer: Peer) -> Self {
        Self { router: TowerToHyperService::new(router), peer }
    }
}

impl Service<Request<Incoming>> for Routed {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        TowerToHyperServiceFuture<Router, Request<Incoming>>,
        Ready<Result<Response<Body>, Infallible>>,
    >;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Err(rejection) = Rejection::check(&request) {
            tracing::debug!(peer = %self.peer.0, %rejection, "refused");
            return Either::Right(ready(Ok(rejection.to_response())));
        }
        request.extensions_mut().insert(self.peer);
        Either::Left(self.router.call(request))
    }
}
