//! `requests_per_minute` and `tokens_per_minute`.

use super::*;
use crate::dialects::REQUESTS;
use crate::ways::OWN_BEARER;

/// Of headers that clients read: name and value.
type Told<'a> = &'a [(&'a str, &'a str)];

const LIMITED_REQUESTS: Told<'_> = &[
    ("x-ratelimit-limit-requests", "3"),
    ("x-ratelimit-remaining-requests", "0"),
    ("x-ratelimit-reset-requests", "1m0s"),
];

/// What `answer` says in headers about limits, in alphabetical order.
fn told(answer: &Answer) -> Vec<(&str, &str)> {
    let headers = answer.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut told: Vec<_> = headers
        .filter(|(name, _)| name.starts_with("x-ratelimit") || name.starts_with("retry-after"))
        .collect();
    told.sort_unstable();
    told
}

fn assert_limited(answer: &Answer, message: &str, retry: [&str; 2], limits: Told<'_>, about: &str) {
    let body = format!(
        r#"{{"error":{{"message":"{message} This is a limit of the gateway, not of the provider.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}}}"#
    );
    assert_eq!((answer.status(), answer.text()), (429, body.as_str()), "{about}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(answer.header("x-aibridge-error"), Some("rate_limit_exceeded"), "{about}");
    assert_eq!(answer.header("x-aibridge-interception-id"), None, "{about}");
    let mut expected = [limits, &[("retry-after", retry[0]), ("retry-after-ms", retry[1])]].concat();
    expected.sort_unstable();
    assert_eq!(told(answer), expected, "{about}");
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_and_one_comes_back_at_a_time() {
    let provider = good_provider().await;
    for mode in ["none", "tokens"] {
        let auth = format!("[auth]\nmode = \"{mode}\"\n");
        let gateway = Harness::start(&(auth + &settings("requests_per_minute = 3", &provider))).await;
        let token = token_of(&gateway, "ann");
        let headers: &[(&str, &str)] = if mode == "none" { &[] } else { &[("X-AIBridge-Token", &token)] };
        let actor = if mode == "none" { "anonymous" } else { "ann" };
        for way in [&WAYS[0], &WAYS[3], &WAYS[4]] {
            let answer = way.ask(&gateway, headers).await;
            assert_eq!((answer.status(), told(&answer)), (200, Vec::new()), "{mode}");
        }
        let (rows, calls) = (recorded(&gateway), provider.received().len());
        let message = |wait: &str| {
            format!(
                "Rate limit reached for {actor} on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in {wait}."
            )
        };
        for way in &WAYS {
            let answer = way.ask(&gateway, headers).await;
            assert_limited(&answer, &message("20s"), ["20", "20000"], LIMITED_REQUESTS, way.name);
        }
        gateway.advance(Duration::from_micros(18_699_001));
        let limits = [&LIMITED_REQUESTS[..2], &[("x-ratelimit-reset-requests", "41.301s")]].concat();
        let answer = WAYS[0].ask(&gateway, headers).await;
        assert_limited(&answer, &message("1.301s"), ["2", "1301"], &limits, mode);
        assert_eq!(
            (recorded(&gateway), provider.received().len()),
            (rows, calls),
            "the refused reach nobody"
        );

        gateway.advance(told_to_wait(&answer));
        assert_eq!(WAYS[0].ask(&gateway, headers).await.status(), 200, "{mode}: who waits as told gets in");
        assert_eq!(WAYS[0].ask(&gateway, headers).await.status(), 429, "{mode}: once");
        gateway.advance(Duration::from_secs(600));
        for status in [200, 200, 200, 429] {
            assert_eq!(
                WAYS[4].ask(&gateway, headers).await.status(),
                status,
                "{mode}: a minute's worth, no more"
            );
        }
    }
}

#[tokio::test]
async fn what_is_refused_for_another_reason_counts() {
    let provider = good_provider().await;
    let gateway = limited("requests_per_minute = 3", &provider).await;
    for (target, body) in
        [(CHAT.target, "[]"), (CHAT.target, ""), ("/openai/v1/responses", r#"{"background":true}"#)]
    {
        let answer = RawClient::post(gateway.address, target, &[], body).await;
        assert!([400, 501].contains(&answer.status()), "{body}");
    }
    for (target, status) in [("/openai/v1/nothing", 404), ("/openai/v1/models", 429)] {
        assert_eq!(RawClient::get(gateway.address, target).await.status(), status, "{target}");
    }
    for target in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(RawClient::get(gateway.address, target).await.status(), 200, "{target} is never limited");
    }
}

#[tokio::test]
async fn everyone_has_a_limit_of_their_own_whoevers_key_pays() {
    let provider = good_provider().await;
    let auth = "[auth]\nmode = \"tokens\"\n";
    let gateway = Harness::start(&(auth.to_owned() + &settings("requests_per_minute = 2", &provider))).await;
    for user in ["ann", "bob", "\u{201c}Ada\u{201d} \"Lovelace\""] {
        let tokens = [token_of(&gateway, user), token_of(&gateway, user)];
        let own = ("Authorization", OWN_BEARER);
        let ask = async |token: usize, own: &[(&str, &str)]| {
            let headers = [&[("X-AIBridge-Token", tokens[token].as_str())], own].concat();
            WAYS[2].ask(&gateway, &headers).await
        };
        assert_eq!(ask(0, &[]).await.status(), 200, "{user}");
        assert_eq!(ask(1, &[own]).await.status(), 200, "{user}: with a key of their own");
        for (token, own) in [(0, &[][..]), (1, &[own])] {
            let refused = ask(token, own).await;
            assert_eq!(refused.status(), 429, "{user}: with either token");
            let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
            assert!(message.starts_with(&format!("Rate limit reached for {user} on requests")), "{message}");
        }
    }
}

#[tokio::test]
async fn tokens_are_charged_when_they_are_known_and_debts_are_waited_for() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    for (dialect, streaming) in REQUESTS {
        let gateway = limited("tokens_per_minute = 20\nrequests_per_minute = 600", &provider).await;
        let about = format!("{} {streaming}", dialect.target);
        for _ in 0..2 {
            let answer =
                RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
            assert_eq!((answer.status(), told(&answer)), (200, Vec::new()), "{about}");
        }
        let answer = RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
        let message = "Rate limit reached for anonymous on tokens per min (TPM): Limit 20, Used 22, Requested 1. Please try again in 9s.";
        let limits = [
            ("x-ratelimit-limit-requests", "600"),
            ("x-ratelimit-remaining-requests", "598"),
            ("x-ratelimit-reset-requests", "200ms"),
            ("x-ratelimit-limit-tokens", "20"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "1m6s"),
        ];
        assert_limited(&answer, message, ["9", "9000"], &limits, &about);
        let passed = WAYS[4].ask(&gateway, &[]).await;
        assert_eq!(passed.status(), 200, "{about}: what spends no tokens does not wait for them");
        gateway.advance(Duration::from_millis(8999));
        let answer = RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
        assert_eq!(told_to_wait(&answer), Duration::from_millis(1), "{about}");
        gateway.advance(Duration::from_millis(1));
        let answer = RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
        assert_eq!(answer.status(), 200, "{about}");
        assert_eq!(recorded(&gateway), 3, "{about}");
    }
}

#[tokio::test]
async fn all_tokens_count_that_the_provider_tells_and_no_others() {
    let cached = r#"{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":800}}}"#;
    let failed = r#"{"error":{"message":"no"},"usage":{"prompt_tokens":900,"completion_tokens":50}}"#;
    for (status, whole, used) in [(200, cached, 950), (200, r#"{"choices":[]}"#, 0), (400, failed, 0)] {
        let provider = ScriptedProvider::start(move |_| Script::json(status, whole)).await;
        let gateway = limited("tokens_per_minute = 1", &provider).await;
        let ask = || RawClient::post(gateway.address, CHAT.target, &[], CHAT.blocking);
        assert_eq!(ask().await.status(), status);
        let next = ask().await;
        if used == 0 {
            assert_eq!((next.status(), told(&next)), (status, Vec::new()), "{whole}");
        } else {
            assert_eq!(told_to_wait(&next), Duration::from_secs(used * 60), "{whole}");
        }
    }
}

#[tokio::test]
async fn what_a_provider_says_of_its_own_limits_is_left_alone() {
    let headers = [
        ("retry-after", "7"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "8.64s"),
    ];
    for status in [200, 429] {
        let provider = ScriptedProvider::start(move |request| {
            let good = Way::of(request).good_answer();
            let script = if status == 200 { good } else { Script::json(429, "{}") };
            headers.iter().fold(script, |script, (name, value)| script.header(name, value))
        })
        .await;
        let limits = "requests_per_minute = 1000\ntokens_per_minute = 1000";
        let gateway = Harness::start(&without_keys(limits, &provider)).await;
        for way in &WAYS {
            let answer = way.ask(&gateway, &[("Authorization", OWN_BEARER)]).await;
            assert_eq!((answer.status(), told(&answer)), (status, headers.to_vec()), "{}", way.name);
        }
    }
}
