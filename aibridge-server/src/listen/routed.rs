use axum::Router;
use axum::body::Body;
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
    type Future = TowerToHyperServiceFuture<Router, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}
