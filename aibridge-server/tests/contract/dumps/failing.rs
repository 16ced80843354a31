//! Every attempt has its files, and where there is no answer one says why.

use super::{Dumping, Files, as_dumped, settings};
use crate::harness::Harness;
use crate::ways::{CHAT, HINTS, KEYS, WAYS};
use aibridge_testkit::{Framing, RawClient, Script, ScriptedProvider, Step, request, wait_until};
use tempfile::TempDir;

#[tokio::test]
async fn each_attempt_with_another_key_has_its_own_files() {
    for way in &WAYS {
        let provider = ScriptedProvider::start(|request| match request.number {
            0 => Script::json(429, r#"{"error":"limited"}"#),
            1 => Script::json(401, r#"{"error":"rejected"}"#),
            _ => WAYS.iter().find(|way| request.path().contains(&way.target[10..])).unwrap().good_answer(),
        })
        .await;
        let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
        let answer = way.ask(&dumping.gateway, &[]).await;
        assert_eq!(answer.status(), 200, "{}", way.name);
        wait_until(
            || {
                ["limited", "rejected"]
                    .iter()
                    .all(|text| dumping.now().values().any(|file| file.contains(text)))
            },
            "the refusals to be dumped",
        )
        .await;
        let begin = way.is_recorded.then(|| dumping.begin(&answer));
        let files = dumping.stop().await;
        let begin = begin.unwrap_or_else(|| {
            let first = files.keys().find(|path| path.matches('-').count() == 5).unwrap();
            first.split('.').next().unwrap().to_owned()
        });

        for (index, status) in ["429 Too Many Requests", "401 Unauthorized", "200 OK"].into_iter().enumerate()
        {
            let attempt = if index == 0 { String::new() } else { format!("-{}", index + 1) };
            let sent = as_dumped(&provider.received()[index], KEYS[index], HINTS[index]);
            assert_eq!(files[&format!("{begin}{attempt}.req.txt")], sent, "{}", way.name);
            let answer = &files[&format!("{begin}{attempt}.resp.txt")];
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        }
        assert_eq!(files.len(), 6, "{files:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_an_error_is_an_answer() {
    for status in [400, 404, 500, 503, 529] {
        let provider = ScriptedProvider::start(move |_| Script::json(status, r#"{"error":{}}"#)).await;
        for way in &WAYS {
            let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
            assert_eq!(way.ask(&dumping.gateway, &[]).await.status(), status);
            let files = dumping.stop().await;
            let answer = files.values().nth(1).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.ends_with(r#"{"error":{}}"#), "{answer}");
            assert_eq!(files.len(), 2, "{files:?}");
        }
    }
}

/// The files by kind: the request, the answer, why there is none.
fn parts(files: &Files) -> [Option<&str>; 3] {
    [".req.txt", ".resp.txt", ".req_error.txt"]
        .map(|end| files.iter().find(|(path, _)| path.ends_with(end)).map(|(_, content)| content.as_str()))
}

#[tokio::test]
async fn where_there_is_no_answer_a_file_says_why() {
    let reset = ScriptedProvider::start(|_| Script::new().then(Step::Reset)).await;
    let silent = ScriptedProvider::start(|_| Script::new().then(Step::Stall)).await;
    let refused = ScriptedProvider::unreachable_base_url().await;
    for (base_url, timeout_scope, why) in [
        (refused, "600s", "the provider cannot be reached: the connection was refused or failed\n"),
        (
            reset.base_url(),
            "600s",
            "the provider cannot be reached: the connection broke before the response\n",
        ),
        (silent.base_url(), "50ms", "the provider did not respond within 50ms\n"),
    ] {
        for way in &WAYS {
            let dir = TempDir::new().unwrap();
            let settings = settings(&base_url, &KEYS, dir.path());
            let settings = format!("{settings}response_timeout = \"{timeout_scope}\"\n");
            let gateway = Harness::start(&settings).await;
            assert!(way.ask(&gateway, &[]).await.status() >= 502, "{}", way.name);
            gateway.stop().await;
            let files = super::files(dir.path());
            let [request, answer, error] = parts(&files);
            assert!(request.unwrap().ends_with(way.body), "{}: {request:?}", way.name);
            assert_eq!((answer, error), (None, Some(why)), "{}", way.name);
        }
    }
}

#[tokio::test]
async fn of_an_answer_that_breaks_off_there_is_what_came_and_why_no_more() {
    let provider = ScriptedProvider::start(|_| {
        Script::head(200, Framing::ContentLength(99)).chunk("half of it").then(Step::Close)
    })
    .await;
    for way in &WAYS {
        let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
        way.ask(&dumping.gateway, &[]).await;
        let files = dumping.stop().await;
        let [_, answer, error] = parts(&files);
        assert!(answer.unwrap().ends_with("\r\n\r\nhalf of it"), "{answer:?}");
        assert_eq!(error, Some("the connection to the provider broke before its response was complete\n"));
    }
}

#[tokio::test]
async fn a_client_that_left_before_there_was_an_answer_is_why() {
    let mut provider = ScriptedProvider::start(|_| Script::new().then(Step::Stall)).await;
    let dumping = Dumping::start(&provider.base_url(), &KEYS).await;
    let mut client = RawClient::connect(dumping.gateway.address).await;
    client.send(&request("POST", CHAT.target, &[], CHAT.body.as_bytes())).await;
    provider.next_received().await;
    drop(client);
    provider.closed(0).await;
    let files = dumping.stop().await;
    let [request, answer, error] = parts(&files);
    assert!(
        request.is_some() && answer.is_none() && error.unwrap().starts_with("cancelled before"),
        "{files:?}"
    );
}
