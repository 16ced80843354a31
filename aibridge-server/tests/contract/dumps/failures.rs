//! The dump files of failed attempts.

use super::{Dumping, Files, request_dump, settings};
use crate::endpoints::{CHAT, ENDPOINTS, HINTS, KEYS};
use crate::harness::Harness;
use aibridge_testkit::{Framing, RawClient, Script, ScriptedProvider, Step, request, wait_until};
use tempfile::TempDir;

#[tokio::test]
async fn each_attempt_has_its_own_files() {
    for endpoint in &ENDPOINTS {
        let provider = ScriptedProvider::start(|request| match request.number {
            0 => Script::json(429, r#"{"error":"limited"}"#),
            1 => Script::json(401, r#"{"error":"rejected"}"#),
            _ => ENDPOINTS
                .iter()
                .find(|endpoint| request.path().contains(&endpoint.target[10..]))
                .unwrap()
                .good_response(),
        })
        .await;
        let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
        let response = endpoint.call(&dumping.gateway, &[]).await;
        assert_eq!(response.status(), 200, "{}", endpoint.name);
        wait_until(
            || {
                ["limited", "rejected"]
                    .iter()
                    .all(|text| dumping.now().values().any(|file| file.contains(text)))
            },
            "the refusals to be dumped",
        )
        .await;
        let begin = endpoint.is_recorded.then(|| dumping.begin(&response));
        let files = dumping.stop().await;
        let begin = begin.unwrap_or_else(|| {
            let first = files.keys().find(|path| path.matches('-').count() == 5).unwrap();
            first.split('.').next().unwrap().to_owned()
        });

        for (index, status) in ["429 Too Many Requests", "401 Unauthorized", "200 OK"].into_iter().enumerate()
        {
            let attempt = if index == 0 { String::new() } else { format!("-{}", index + 1) };
            let sent = request_dump(&provider.received()[index], KEYS[index], HINTS[index]);
            assert_eq!(files[&format!("{begin}{attempt}.req.txt")], sent, "{}", endpoint.name);
            let response = &files[&format!("{begin}{attempt}.resp.txt")];
            assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
        }
        assert_eq!(files.len(), 6, "{files:?}");
    }
}

#[tokio::test]
async fn an_error_response_is_dumped_as_a_response() {
    for status in [400, 404, 500, 503, 529] {
        let provider = ScriptedProvider::start(move |_| Script::json(status, r#"{"error":{}}"#)).await;
        for endpoint in &ENDPOINTS {
            let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
            assert_eq!(endpoint.call(&dumping.gateway, &[]).await.status(), status);
            let files = dumping.stop().await;
            let response = files.values().nth(1).unwrap();
            assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
            assert!(response.ends_with(r#"{"error":{}}"#), "{response}");
            assert_eq!(files.len(), 2, "{files:?}");
        }
    }
}

/// The files by kind: the request, the response, the error.
fn parts(files: &Files) -> [Option<&str>; 3] {
    [".req.txt", ".resp.txt", ".req_error.txt"]
        .map(|end| files.iter().find(|(path, _)| path.ends_with(end)).map(|(_, content)| content.as_str()))
}

#[tokio::test]
async fn without_a_response_a_file_has_the_error() {
    let reset = ScriptedProvider::start(|_| Script::new().then(Step::Reset)).await;
    let silent = ScriptedProvider::start(|_| Script::new().then(Step::Stall)).await;
    let refused = ScriptedProvider::unreachable_base_url().await;
    for (base_url, timeout_scope, message) in [
        (refused, "600s", "the provider cannot be reached: the connection was refused or failed\n"),
        (
            reset.base_url(),
            "600s",
            "the provider cannot be reached: the connection broke before the response\n",
        ),
        (silent.base_url(), "50ms", "the provider did not respond within 50ms\n"),
    ] {
        for endpoint in &ENDPOINTS {
            let dir = TempDir::new().unwrap();
            let settings = settings(&base_url, &KEYS, dir.path());
            let settings = format!("{settings}response_timeout = \"{timeout_scope}\"\n");
            let gateway = Harness::start(&settings).await;
            assert!(endpoint.call(&gateway, &[]).await.status() >= 502, "{}", endpoint.name);
            gateway.stop().await;
            let files = super::files(dir.path());
            let [request, response, error] = parts(&files);
            assert!(request.unwrap().ends_with(endpoint.body), "{}: {request:?}", endpoint.name);
            assert_eq!((response, error), (None, Some(message)), "{}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn a_truncated_response_is_dumped_with_the_error() {
    let provider = ScriptedProvider::start(|_| {
        Script::head(200, Framing::ContentLength(99)).chunk("half of it").then(Step::Close)
    })
    .await;
    for endpoint in &ENDPOINTS {
        let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
        endpoint.call(&dumping.gateway, &[]).await;
        let files = dumping.stop().await;
        let [_, response, error] = parts(&files);
        assert!(response.unwrap().ends_with("\r\n\r\nhalf of it"), "{response:?}");
        assert_eq!(error, Some("the connection to the provider broke before its response was complete\n"));
    }
}

#[tokio::test]
async fn a_client_that_disconnects_before_the_response_is_dumped_as_the_error() {
    let mut provider = ScriptedProvider::start(|_| Script::new().then(Step::Stall)).await;
    let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
    let mut client = RawClient::connect(dumping.gateway.address).await;
    client.send(&request("POST", CHAT.target, &[], CHAT.body.as_bytes())).await;
    provider.next_received().await;
    drop(client);
    provider.wait_closed(0).await;
    let files = dumping.stop().await;
    let [request, response, error] = parts(&files);
    assert!(
        request.is_some() && response.is_none() && error.unwrap().starts_with("cancelled before"),
        "{files:?}"
    );
}
