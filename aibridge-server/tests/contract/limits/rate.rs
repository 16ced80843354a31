//! `requests_per_minute` and `tokens_per_minute`: refusals, headers and refill.

use super::*;
use crate::dialects::REQUESTS;
use crate::endpoints::OWN_BEARER;

/// Names and values of rate-limit headers.
type HeaderPairs<'a> = &'a [(&'a str, &'a str)];

const LIMITED_REQUESTS: HeaderPairs<'_> = &[
    ("x-ratelimit-limit-requests", "3"),
    ("x-ratelimit-remaining-requests", "0"),
    ("x-ratelimit-reset-requests", "1m0s"),
];

/// The rate-limit headers of `response`, in alphabetical order.
fn limit_headers(response: &Response) -> Vec<(&str, &str)> {
    let headers = response.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut limit_headers: Vec<_> = headers
        .filter(|(name, _)| name.starts_with("x-ratelimit") || name.starts_with("retry-after"))
        .collect();
    limit_headers.sort_unstable();
    limit_headers
}

fn assert_limited(
    response: &Response,
    message: &str,
    retry: [&str; 2],
    limits: HeaderPairs<'_>,
    about: &str,
) {
    let body = format!(
        r#"{{"error":{{"message":"{message} This is a limit of the gateway, not of the provider.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}}}"#
    );
    assert_eq!((response.status(), response.text()), (429, body.as_str()), "{about}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(response.header("x-aibridge-error"), Some("rate_limit_exceeded"), "{about}");
    assert_eq!(response.header("x-aibridge-interception-id"), None, "{about}");
    let mut expected = [limits, &[("retry-after", retry[0]), ("retry-after-ms", retry[1])]].concat();
    expected.sort_unstable();
    assert_eq!(limit_headers(response), expected, "{about}");
}

#[tokio::test]
async fn requests_over_the_limit_are_refused_until_tokens_refill() {
    let provider = good_provider().await;
    for mode in ["none", "tokens"] {
        let auth = format!("[auth]\nmode = \"{mode}\"\n");
        let gateway = Harness::start(&(auth + &settings("requests_per_minute = 3", &provider))).await;
        let token = token_of(&gateway, "ann");
        let headers: &[(&str, &str)] = if mode == "none" { &[] } else { &[("X-AIBridge-Token", &token)] };
        let actor = if mode == "none" { "anonymous" } else { "ann" };
        for endpoint in [&ENDPOINTS[0], &ENDPOINTS[3], &ENDPOINTS[4]] {
            let response = endpoint.call(&gateway, headers).await;
            assert_eq!((response.status(), limit_headers(&response)), (200, Vec::new()), "{mode}");
        }
        let (rows, calls) = (recorded(&gateway), provider.received().len());
        let message = |wait: &str| {
            format!(
                "Rate limit reached for {actor} on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in {wait}."
            )
        };
        for endpoint in &ENDPOINTS {
            let response = endpoint.call(&gateway, headers).await;
            assert_limited(&response, &message("20s"), ["20", "20000"], LIMITED_REQUESTS, endpoint.name);
        }
        gateway.advance(Duration::from_micros(18_699_001));
        let limits = [&LIMITED_REQUESTS[..2], &[("x-ratelimit-reset-requests", "41.301s")]].concat();
        let response = ENDPOINTS[0].call(&gateway, headers).await;
        assert_limited(&response, &message("1.301s"), ["2", "1301"], &limits, mode);
        assert_eq!(
            (recorded(&gateway), provider.received().len()),
            (rows, calls),
            "refused requests reach no provider"
        );

        gateway.advance(retry_delay(&response));
        assert_eq!(
            ENDPOINTS[0].call(&gateway, headers).await.status(),
            200,
            "{mode}: a request after the delay is admitted"
        );
        assert_eq!(ENDPOINTS[0].call(&gateway, headers).await.status(), 429, "{mode}: once");
        gateway.advance(Duration::from_secs(600));
        for status in [200, 200, 200, 429] {
            assert_eq!(
                ENDPOINTS[4].call(&gateway, headers).await.status(),
                status,
                "{mode}: a minute's worth, no more"
            );
        }
    }
}

#[tokio::test]
async fn requests_refused_for_other_reasons_count() {
    let provider = good_provider().await;
    let gateway = limited_gateway("requests_per_minute = 3", &provider).await;
    for (target, body) in
        [(CHAT.target, "[]"), (CHAT.target, ""), ("/openai/v1/responses", r#"{"background":true}"#)]
    {
        let response = RawClient::post(gateway.address, target, &[], body).await;
        assert!([400, 501].contains(&response.status()), "{body}");
    }
    for (target, status) in [("/openai/v1/nothing", 404), ("/openai/v1/models", 429)] {
        assert_eq!(RawClient::get(gateway.address, target).await.status(), status, "{target}");
    }
    for target in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(RawClient::get(gateway.address, target).await.status(), 200, "{target} is never limited");
    }
}

#[tokio::test]
async fn each_actor_has_its_own_limit_for_every_kind_of_key() {
    let provider = good_provider().await;
    let auth = "[auth]\nmode = \"tokens\"\n";
    let gateway = Harness::start(&(auth.to_owned() + &settings("requests_per_minute = 2", &provider))).await;
    for user in ["ann", "bob", "\u{201c}Ada\u{201d} \"Lovelace\""] {
        let tokens = [token_of(&gateway, user), token_of(&gateway, user)];
        let own = ("Authorization", OWN_BEARER);
        let call = async |token: usize, own: &[(&str, &str)]| {
            let headers = [&[("X-AIBridge-Token", tokens[token].as_str())], own].concat();
            ENDPOINTS[2].call(&gateway, &headers).await
        };
        assert_eq!(call(0, &[]).await.status(), 200, "{user}");
        assert_eq!(call(1, &[own]).await.status(), 200, "{user}: with a key of their own");
        for (token, own) in [(0, &[][..]), (1, &[own])] {
            let refused = call(token, own).await;
            assert_eq!(refused.status(), 429, "{user}: with either token");
            let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
            assert!(message.starts_with(&format!("Rate limit reached for {user} on requests")), "{message}");
        }
    }
}

#[tokio::test]
async fn tokens_are_charged_after_the_response_and_debt_delays_requests() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    for (dialect, streaming) in REQUESTS {
        let gateway = limited_gateway("tokens_per_minute = 20\nrequests_per_minute = 600", &provider).await;
        let about = format!("{} {streaming}", dialect.target);
        for _ in 0..2 {
            let response =
                RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
            assert_eq!((response.status(), limit_headers(&response)), (200, Vec::new()), "{about}");
        }
        let response =
            RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
        let message = "Rate limit reached for anonymous on tokens per min (TPM): Limit 20, Used 22, Requested 1. Please try again in 9s.";
        let limits = [
            ("x-ratelimit-limit-requests", "600"),
            ("x-ratelimit-remaining-requests", "598"),
            ("x-ratelimit-reset-requests", "200ms"),
            ("x-ratelimit-limit-tokens", "20"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "1m6s"),
        ];
        assert_limited(&response, message, ["9", "9000"], &limits, &about);
        let passed = ENDPOINTS[4].call(&gateway, &[]).await;
        assert_eq!(
            passed.status(),
            200,
            "{about}: a request without tokens does not wait for the token limit"
        );
        gateway.advance(Duration::from_millis(8999));
        let response =
            RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
        assert_eq!(retry_delay(&response), Duration::from_millis(1), "{about}");
        gateway.advance(Duration::from_millis(1));
        let response =
            RawClient::post(gateway.address, dialect.target, &[], dialect.request(streaming)).await;
        assert_eq!(response.status(), 200, "{about}");
        assert_eq!(recorded(&gateway), 3, "{about}");
    }
}

#[tokio::test]
async fn exactly_the_reported_tokens_are_charged() {
    let cached = r#"{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":800}}}"#;
    let failed = r#"{"error":{"message":"no"},"usage":{"prompt_tokens":900,"completion_tokens":50}}"#;
    for (status, whole, used) in [(200, cached, 950), (200, r#"{"choices":[]}"#, 0), (400, failed, 0)] {
        let provider = ScriptedProvider::start(move |_| Script::json(status, whole)).await;
        let gateway = limited_gateway("tokens_per_minute = 1", &provider).await;
        let call = || RawClient::post(gateway.address, CHAT.target, &[], CHAT.blocking);
        assert_eq!(call().await.status(), status);
        let next = call().await;
        if used == 0 {
            assert_eq!((next.status(), limit_headers(&next)), (status, Vec::new()), "{whole}");
        } else {
            assert_eq!(retry_delay(&next), Duration::from_secs(used * 60), "{whole}");
        }
    }
}

#[tokio::test]
async fn rate_limit_headers_of_the_provider_are_relayed() {
    let headers = [
        ("retry-after", "7"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "8.64s"),
    ];
    for status in [200, 429] {
        let provider = ScriptedProvider::start(move |request| {
            let good = Endpoint::of(request).good_response();
            let script = if status == 200 { good } else { Script::json(429, "{}") };
            headers.iter().fold(script, |script, (name, value)| script.header(name, value))
        })
        .await;
        let limits = "requests_per_minute = 1000\ntokens_per_minute = 1000";
        let gateway = Harness::start(&without_keys(limits, &provider)).await;
        for endpoint in &ENDPOINTS {
            let response = endpoint.call(&gateway, &[("Authorization", OWN_BEARER)]).await;
            assert_eq!(
                (response.status(), limit_headers(&response)),
                (status, headers.to_vec()),
                "{}",
                endpoint.name
            );
        }
    }
}
