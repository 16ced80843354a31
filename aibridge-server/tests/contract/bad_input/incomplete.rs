//! Bodies that are truncated or arrive slowly.

use super::{RESPONSES, assert_untouched, gateway};
use crate::endpoints::CHAT;
use aibridge_testkit::{RawClient, request, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_truncated_body_is_refused() {
    let (provider, gateway) = gateway().await;
    let chunked = [("Transfer-Encoding", "chunked")];
    let whole = request("POST", CHAT.target, &[], br#"{"model":"m"}"#);
    for bytes in [
        &whole[..whole.len() - 1],
        &whole[..whole.len() - 13],
        &whole[..20],
        &[&request("POST", RESPONSES, &chunked, b"")[..], b"2\r\n{}\r\n"].concat(), // a whole object, but no end
        &[&request("POST", RESPONSES, &chunked, b"")[..], b"2\r\n{"].concat(),
    ] {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap(); // it sends no more bytes, but would read a response
        let mut response = Vec::new();
        let _ = within(stream.read_to_end(&mut response), "the gateway to give up").await;
        let response = String::from_utf8_lossy(&response).into_owned();
        assert!(response.is_empty() || response.starts_with("HTTP/1.1 4"), "{response}");
    }
    assert_untouched(&provider, &gateway);
}

#[tokio::test]
async fn a_body_may_arrive_byte_by_byte() {
    let (provider, gateway) = gateway().await;
    let body = br#"{"model":"m","messages":[]}"#;
    let mut client = RawClient::connect(gateway.address).await;
    for byte in request("POST", CHAT.target, &[], body).chunks(1) {
        client.send(byte).await;
    }
    assert_eq!(client.head().await.status, 200);
    assert_eq!(provider.received()[0].body, body[..]);
}

#[tokio::test]
async fn a_slow_client_does_not_delay_others() {
    let (provider, gateway) = gateway().await;
    let whole = request("POST", CHAT.target, &[], b"{}");
    let mut slow = RawClient::connect(gateway.address).await;
    slow.send(&whole[..whole.len() - 1]).await;
    assert_eq!(RawClient::post(gateway.address, CHAT.target, &[], r#"{"n":1}"#).await.status(), 200);
    assert_eq!(provider.received().len(), 1, "the slow request has not reached the provider");
    slow.send(&whole[whole.len() - 1..]).await;
    assert_eq!(slow.head().await.status, 200);
    assert_eq!(provider.received()[1].body, "{}");
}
