//! One GET on a new connection, with a time limit and without panics: a gateway may hang or die meanwhile.

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time limit of the GET. A gateway that takes longer counts as not responding.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The status and the body of the response to GET `path`.
pub(super) async fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    timeout(TIME_LIMIT, async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::get(path).header("Host", "localhost").body(Empty::<Bytes>::new())?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    })
    .await?
}
