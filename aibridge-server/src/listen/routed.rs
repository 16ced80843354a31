use super::reject::Rejection;
use axum::Router;
use axum::body::Body;
use futures_util::future::{Either, Ready, ready};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpStream;

/// The two ends of a request's connection: an extension of every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Who is at the other end.
    pub remote: SocketAddr,
    /// The address of the gateway that the connection came in on.
    pub local: IpAddr,
}

impl Peer {
    /// The ends of `stream`, which `remote` has opened.
    pub(super) fn new(stream: &TcpStream, remote: SocketAddr) -> Self {
        let local = stream.local_addr().map_or(UNKNOWN, |address| address.ip());
        Self { remote, local }
    }

    /// Those of the connection that `request` came on. What is unknown is trusted with nothing.
    pub fn of(request: &Parts) -> Self {
        let unknown = Self { remote: SocketAddr::new(UNKNOWN, 0), local: UNKNOWN };
        request.extensions.get().copied().unwrap_or(unknown)
    }
}

const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

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
            tracing::debug!(peer = %self.peer.remote, %rejection, "refused");
            return Either::Right(ready(Ok(rejection.to_response())));
        }
        request.extensions_mut().insert(self.peer);
        Either::Left(self.router.call(request))
    }
}
