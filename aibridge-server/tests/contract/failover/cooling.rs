//! The length of a cooldown, on a mocked clock.

use crate::endpoints::{CHAT, ENDPOINTS, KEYS};
use crate::harness::Harness;
use aibridge_testkit::{Gate, RawClient, ReceivedRequest, Script, ScriptedProvider, Step};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Sends one request and returns the number of keys that it tried.
async fn count_tried_keys(gateway: &Harness, provider: &ScriptedProvider) -> usize {
    let before = provider.received().len();
    CHAT.call(gateway, &[]).await;
    provider.received().len() - before
}

#[tokio::test]
async fn a_429_sets_the_cooldown() {
    const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;
    let table: [(&[(&str, &str)], u64, &str); 9] = [
        (&[], 60_000, "60"),
        (&[("Retry-After", "20")], 20_000, "20"),
        (&[("Retry-After-Ms", "2500.0")], 2_500, "3"),
        (&[("Retry-After-Ms", "1000"), ("Retry-After", "20")], 1_000, "20"),
        (&[("Retry-After-Ms", "soon"), ("Retry-After", "20")], 20_000, "20"),
        (&[("Retry-After", "-1")], 60_000, "-1"),
        (&[("Retry-After", "tomorrow")], 60_000, "tomorrow"),
        (&[("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")], YEAR, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (&[("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")], 0, "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    for (headers, milliseconds, retry_after) in table {
        let provider = ScriptedProvider::start(move |_| {
            headers.iter().fold(Script::json(429, "{}"), |script, (name, value)| script.header(name, value))
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        let response = CHAT.call(&gateway, &[]).await;
        assert_eq!(
            (response.status(), response.header("retry-after")),
            (429, Some(retry_after)),
            "{headers:?}"
        );
        if milliseconds > 0 {
            gateway.advance(Duration::from_millis(milliseconds) - MILLISECOND);
            assert_eq!(count_tried_keys(&gateway, &provider).await, 0, "{headers:?}: still cooling");
            gateway.advance(MILLISECOND);
        }
        assert_eq!(count_tried_keys(&gateway, &provider).await, 1, "{headers:?}: valid again");
    }
}

#[tokio::test]
async fn an_http_date_in_retry_after_sets_the_cooldown() {
    let in_two_hours = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let date = in_two_hours.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let provider =
        ScriptedProvider::start(move |_| Script::json(429, "{}").header("Retry-After", &date)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    CHAT.call(&gateway, &[]).await; // this response has the date
    let response = CHAT.call(&gateway, &[]).await;
    let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
    assert!((7_100..=7_200).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_key_is_preferred_again_after_its_cooldown_on_every_endpoint() {
    for endpoint in &ENDPOINTS {
        let provider = ScriptedProvider::start(move |request| match request.number {
            0 => Script::json(429, "{}").header("Retry-After", "20"),
            _ => endpoint.good_response(),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        for (wait, expected) in [
            (Duration::ZERO, &KEYS[..2]),
            (Duration::from_secs(20) - MILLISECOND, &KEYS[1..2]),
            (MILLISECOND, &KEYS[..1]),
        ] {
            gateway.advance(wait);
            let before = provider.received().len();
            assert_eq!(endpoint.call(&gateway, &[]).await.status(), 200, "{}", endpoint.name);
            let received = &provider.received()[before..];
            let tried: Vec<_> = received.iter().filter_map(ReceivedRequest::bearer).collect();
            assert_eq!(tried, expected, "{} after {wait:?}", endpoint.name);
        }
    }
}

/// Refusals whose cooldown doubles: of a named key, and of an account without credit.
const DOUBLING: [(u16, &str); 3] = [
    (401, r#"{"error":{"code":"invalid_api_key"}}"#),
    (429, r#"{"error":{"type":"insufficient_quota"}}"#),
    (402, "{}"),
];

#[tokio::test]
async fn consecutive_rejections_double_the_cooldown_up_to_an_hour() {
    for (status, body) in DOUBLING {
        let provider = ScriptedProvider::start(move |_| Script::json(status, body)).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            assert_eq!(count_tried_keys(&gateway, &provider).await, 1, "{status}: before {seconds} s");
            gateway.advance(Duration::from_secs(seconds) - MILLISECOND);
            assert_eq!(count_tried_keys(&gateway, &provider).await, 0, "{status}: {seconds} s are not over");
            gateway.advance(MILLISECOND);
        }
    }
}

#[tokio::test]
async fn a_success_resets_the_doubling() {
    for (status, body) in DOUBLING {
        // Refused for 60 s, then for 120 s, then accepted, then refused again.
        let provider = ScriptedProvider::start(move |request| match request.number {
            2 => Script::json(200, "{}"),
            _ => Script::json(status, body),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for seconds in [60, 120, 0, 60] {
            assert_eq!(count_tried_keys(&gateway, &provider).await, 1, "{status}");
            gateway.advance(Duration::from_secs(seconds));
        }
        assert_eq!(count_tried_keys(&gateway, &provider).await, 1, "{status}: 60 s were enough");
    }
}

#[tokio::test]
async fn a_shorter_cooldown_does_not_replace_a_longer_one() {
    // Two requests are in flight with the same key. The longer cooldown holds, whichever response arrives last.
    for waits in [["90", "20"], ["20", "90"]] {
        let gates = [Gate::new(), Gate::new()];
        let script_gates = gates.clone();
        let provider = ScriptedProvider::start(move |request| {
            let (gate, wait) = (script_gates[request.number].clone(), waits[request.number]);
            Script::new().then(Step::Await(gate)).then(Step::Bytes(
                format!("HTTP/1.1 429 Slow\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n").into(),
            ))
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        let call = || tokio::spawn(RawClient::post(gateway.address, CHAT.target, &[], CHAT.body));
        let first = call();
        gates[0].wait_reached(1).await;
        let second = call();
        gates[1].wait_reached(1).await;
        gates[0].open();
        let first = first.await.unwrap();
        gates[1].open();
        let second = second.await.unwrap();
        assert_eq!([&first, &second].map(|response| response.header("retry-after")), waits.map(Some));
        let third = CHAT.call(&gateway, &[]).await;
        assert_eq!(third.header("retry-after"), Some("90"), "{waits:?}");
    }
}

#[tokio::test]
async fn errors_that_do_not_concern_the_key_do_not_cool_it() {
    for status in [401, 403, 500, 404, 400, 0] {
        let provider = ScriptedProvider::start(move |_| match status {
            0 => Script::new().then(Step::Reset),
            _ => Script::json(status, "{}"),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for _ in 0..2 {
            assert_eq!(count_tried_keys(&gateway, &provider).await, 1, "{status}");
        }
    }
}
