//! How connections with TLS begin, and those that do not.

use super::launch;
use aibridge_testkit::{Authority, Gateway, H2Client, RawClient, request, shake_hands, within};
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
async fn both_versions_of_tls_are_spoken() {
    let authority = Authority::new();
    let gateway = start(&authority).await;
    for (version, expected) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let config = Arc::new(authority.client_of(&[version], &["h2"]));
        let stream = shake_hands(gateway.address(), config).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
    }
}

#[tokio::test]
async fn a_client_that_comes_again_resumes_its_session() {
    let authority = Authority::new();
    let gateway = start(&authority).await;
    let config = Arc::new(authority.client(&["http/1.1"]));
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
        let mut stream = shake_hands(gateway.address(), config.clone()).await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
        let request = request("GET", "/healthz", &[("Connection", "close")], b"");
        stream.write_all(&request).await.unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer), "an answer").await.unwrap();
        assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_handshake_costs_only_its_own_connection() {
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
        let mut answer = Vec::new();
        let _ = within(client.read_to_end(&mut answer), "the gateway to hang up").await;
        assert!(answer.len() < 10, "an alert at most: {answer:?}");
    }
    assert_eq!(witness.ask("GET", "/healthz", &[], "").await.1, "ok");
}

#[tokio::test]
async fn who_forgot_the_s_in_https_is_told_so() {
    let authority = Authority::new();
    let gateway = start(&authority).await;
    for body in ["", "{\"model\":\"m\"}"] {
        let mut client = RawClient::connect(gateway.address()).await;
        let answer = client.ask(&request("POST", "/openai/v1/responses", &[], body.as_bytes())).await;
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (400, Some("tls_required")));
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "tls_required");
        assert!(error["message"].as_str().unwrap().contains("https://"));
        client.closed().await;
    }
}
