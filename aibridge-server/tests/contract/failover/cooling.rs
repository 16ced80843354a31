//! How long a key rests, on a clock that the test moves.

use crate::harness::Harness;
use crate::ways::{CHAT, KEYS, WAYS};
use aibridge_testkit::{Gate, RawClient, Received, Script, ScriptedProvider, Step};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Asks once, and says how many keys were tried for it.
async fn tries(gateway: &Harness, provider: &ScriptedProvider) -> usize {
    let before = provider.received().len();
    CHAT.ask(gateway, &[]).await;
    provider.received().len() - before
}

#[tokio::test]
async fn a_429_says_how_long_its_key_rests() {
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
        let answer = CHAT.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some(retry_after)), "{headers:?}");
        if milliseconds > 0 {
            gateway.advance(Duration::from_millis(milliseconds) - MILLISECOND);
            assert_eq!(tries(&gateway, &provider).await, 0, "{headers:?}: still cooling");
            gateway.advance(MILLISECOND);
        }
        assert_eq!(tries(&gateway, &provider).await, 1, "{headers:?}: valid again");
    }
}

#[tokio::test]
async fn an_http_date_is_taken_relative_to_the_time_of_day() {
    let in_two_hours = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let date = in_two_hours.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let provider =
        ScriptedProvider::start(move |_| Script::json(429, "{}").header("Retry-After", &date)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    CHAT.ask(&gateway, &[]).await; // this one gets the date
    let answer = CHAT.ask(&gateway, &[]).await;
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((7_100..=7_200).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_key_that_has_rested_is_the_preferred_one_again_however_it_is_asked_for() {
    for way in &WAYS {
        let provider = ScriptedProvider::start(move |request| match request.number {
            0 => Script::json(429, "{}").header("Retry-After", "20"),
            _ => way.good_answer(),
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
            assert_eq!(way.ask(&gateway, &[]).await.status(), 200, "{}", way.name);
            let received = &provider.received()[before..];
            let tried: Vec<_> = received.iter().filter_map(Received::bearer).collect();
            assert_eq!(tried, expected, "{} after {wait:?}", way.name);
        }
    }
}

/// Refusals that double: of a key that is named, and of an account without credit.
const DOUBLING: [(u16, &str); 3] = [
    (401, r#"{"error":{"code":"invalid_api_key"}}"#),
    (429, r#"{"error":{"type":"insufficient_quota"}}"#),
    (402, "{}"),
];

#[tokio::test]
async fn rejections_and_empty_accounts_in_a_row_double_up_to_an_hour() {
    for (status, body) in DOUBLING {
        let provider = ScriptedProvider::start(move |_| Script::json(status, body)).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            assert_eq!(tries(&gateway, &provider).await, 1, "{status}: before {seconds} s");
            gateway.advance(Duration::from_secs(seconds) - MILLISECOND);
            assert_eq!(tries(&gateway, &provider).await, 0, "{status}: {seconds} s are not over");
            gateway.advance(MILLISECOND);
        }
    }
}

#[tokio::test]
async fn a_success_resets_the_doubling() {
    for (status, body) in DOUBLING {
        // Refused for 60 s and for 120 s, then accepted, then refused again.
        let provider = ScriptedProvider::start(move |request| match request.number {
            2 => Script::json(200, "{}"),
            _ => Script::json(status, body),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for seconds in [60, 120, 0, 60] {
            assert_eq!(tries(&gateway, &provider).await, 1, "{status}");
            gateway.advance(Duration::from_secs(seconds));
        }
        assert_eq!(tries(&gateway, &provider).await, 1, "{status}: 60 s were enough");
    }
}

#[tokio::test]
async fn a_longer_running_cooldown_is_kept() {
    // Two requests are under way with the same key; whichever answer is heard last, the longer rest holds.
    for waits in [["90", "20"], ["20", "90"]] {
        let gates = [Gate::new(), Gate::new()];
        let held = gates.clone();
        let provider = ScriptedProvider::start(move |request| {
            let (gate, wait) = (held[request.number].clone(), waits[request.number]);
            Script::new().then(Step::Await(gate)).then(Step::Bytes(
                format!("HTTP/1.1 429 Slow\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n").into(),
            ))
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        let ask = || tokio::spawn(RawClient::post(gateway.address, CHAT.target, &[], CHAT.body));
        let first = ask();
        gates[0].reached(1).await;
        let second = ask();
        gates[1].reached(1).await;
        gates[0].open();
        let first = first.await.unwrap();
        gates[1].open();
        let second = second.await.unwrap();
        assert_eq!([&first, &second].map(|answer| answer.header("retry-after")), waits.map(Some));
        let third = CHAT.ask(&gateway, &[]).await;
        assert_eq!(third.header("retry-after"), Some("90"), "{waits:?}");
    }
}

#[tokio::test]
async fn what_is_not_about_the_key_does_not_cool_it() {
    for status in [401, 403, 500, 404, 400, 0] {
        let provider = ScriptedProvider::start(move |_| match status {
            0 => Script::new().then(Step::Reset),
            _ => Script::json(status, "{}"),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for _ in 0..2 {
            assert_eq!(tries(&gateway, &provider).await, 1, "{status}");
        }
    }
}
