//! TLS handshakes: versions, resumption and failures.

use super::launch;
use aibridge_testkit::{Authority, Gateway, H2Client, RawClient, request, tls_connect, within};
use rustls::{AlertDescription, HandshakeKind, ProtocolVersion, version};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start(authority: &Authority) -> Gateway {
    launch(authority, "").start().await
}

fn alert(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

#[tokio::test]
async fn both_versions_of_tls_are_supported() {
    let authority = Authority::new();
    let gateway = start(&authority).await;
    for (version, expected) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let config = Arc::new(authority.client_config_with_versions(&[version], &["h2"]));
        let stream = tls_connect(gateway.address(), config).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
    }
}

#[tokio::test]
async fn a_returning_client_resumes_its_session() {
    let authority = Authority::new();
    let gateway = start(&authority).await;
    let config = Arc::new(authority.client_config(&["http/1.1"]));
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
        let mut stream = tls_connect(gateway.address(), config.clone()).await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
        let request = request("GET", "/healthz", &[("Connection", "close")], b"");
        stream.write_all(&request).await.unwrap();
        let mut response = String::new();
        within(stream.read_to_string(&mut response), "a response").await.unwrap();
        assert!(response.ends_with("\r\n\r\nok"), "{response}");
    }
}

#[tokio::test]
async fn an_invalid_handshake_ends_only_its_own_connection() {
    let authority = Authority::new();
    let gateway = start(&authority).await;
    let mut witness = H2Client::connect(gateway.address(), &authority).await;

    let stranger = Authority::new().connect(gateway.address(), &["h2"]).await.unwrap_err();
    assert!(matches!(alert(&stranger), Some(rustls::Error::InvalidCertificate(_))), "{stranger}");
    let odd = authority.connect(gateway.address(), &["spdy/3"]).await.unwrap_err();
    let refused = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(alert(&odd), Some(&refused), "{odd}");
    for bytes in [&b"\x16\x03\x01\x00\x05hello"[..], b"\x00garbage", b"lower case", b""] {
        let mut client = TcpStream::connect(gateway.address()).await.unwrap();
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let mut response = Vec::new();
        let _ = within(client.read_to_end(&mut response), "the gateway to hang up").await;
        assert!(response.len() < 10, "an alert at most: {response:?}");
    }
    assert_eq!(witness.call("GET", "/healthz", &[], "").await.1, "ok");
}

#[tokio::test]
async fn a_plain_http_request_gets_a_hint_to_use_https() {
    let authority = Authority::new();
    let gateway = start(&authority).await;
    for body in ["", "{\"model\":\"m\"}"] {
        let mut client = RawClient::connect(gateway.address()).await;
        let response = client.call(&request("POST", "/openai/v1/responses", &[], body.as_bytes())).await;
        assert_eq!((response.status(), response.header("x-aibridge-error")), (400, Some("tls_required")));
        let error = &response.json()["error"];
        assert_eq!(error["code"], "tls_required");
        assert!(error["message"].as_str().unwrap().contains("https://"));
        client.wait_closed().await;
    }
}
