//! Authentication: the actor of a request, and the key that is used for it.

use crate::endpoints::{CHAT, ENDPOINTS, HINTS, KEYS, OWN_BEARER, OWN_HINT, OWN_KEY, recorded};
use crate::harness::{Harness, provider_settings};
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{RawClient, ReceivedRequest, Script, ScriptedProvider};
use secrecy::ExposeSecret;
use std::path::PathBuf;

mod actor;
mod command;
mod live;

/// The expected outcome of a request.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// Sent with a key of the pool.
    Centralized,
    /// Sent with the key of the client (BYOK).
    Byok,
    /// Refused by the gateway: status, `type`, `code`.
    Refused(u16, &'static str, &'static str),
}
use Expected::{Byok, Centralized, Refused};

const NO_CREDENTIAL: Expected = Refused(401, "authentication_error", "no_credential");
const BAD_TOKEN: Expected = Refused(401, "authentication_error", "invalid_gateway_token");
const NO_BYOK: Expected = Refused(403, "permission_error", "byok_disabled");

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Opens the access tokens in the store of `gateway`, as the command line does.
pub(crate) fn tokens_of(gateway: &Harness) -> Tokens {
    tokens_in(gateway.store.path().to_owned())
}

/// Opens the access tokens in the store at `path`.
pub(crate) fn tokens_in(path: PathBuf) -> Tokens {
    Tokens::open(&Options::new(path)).unwrap()
}

/// Settings of a gateway that requires access tokens.
fn with_tokens(provider: &ScriptedProvider, keys: &[&str]) -> String {
    format!("[auth]\nmode = \"tokens\"\n{}", provider_settings(&provider.base_url(), keys))
}

/// Calls every endpoint, and checks what the provider and the store received. None of `hidden` may reach the provider.
async fn check(
    gateway: &Harness,
    provider: &ScriptedProvider,
    headers: Headers<'_>,
    expected: Expected,
    user: &str,
    hidden: &[&str],
) {
    for endpoint in &ENDPOINTS {
        let about = format!("{} {headers:?}", endpoint.name);
        let before = provider.received().len();
        let rows = gateway.store.rows("aibridge_interceptions").len();
        let response = endpoint.call(gateway, headers).await;
        let received = &provider.received()[before..];
        let (key, kind, hint) = match expected {
            Centralized => (KEYS[0], "centralized", HINTS[0]),
            Byok => (OWN_KEY, "byok", OWN_HINT),
            Refused(status, kind, code) => {
                assert_eq!(
                    (response.status(), response.header("x-aibridge-error")),
                    (status, Some(code)),
                    "{about}"
                );
                assert_eq!(response.json()["error"]["type"], kind, "{about}");
                assert_eq!(response.json()["error"]["code"], code, "{about}");
                assert!(received.is_empty(), "{about}: nothing reaches the provider");
                assert_eq!(
                    gateway.store.rows("aibridge_interceptions").len(),
                    rows,
                    "{about}: nothing begun"
                );
                continue;
            }
        };
        assert_eq!((response.status(), response.text()), (200, endpoint.response), "{about}");
        let [request] = received else { panic!("{about}: {received:?}") };
        assert_eq!(request.header_values("authorization"), [format!("Bearer {key}")], "{about}");
        let head = String::from_utf8_lossy(&request.raw_head);
        for secret in hidden.iter().filter(|secret| **secret != key) {
            assert!(!head.contains(secret), "{about}: {head}");
        }
        if endpoint.is_recorded {
            let row = recorded(gateway, &response);
            assert_eq!(row["initiator_id"], user, "{about}");
            assert_eq!(
                (&row["credential_kind"], &row["credential_hint"]),
                (&kind.into(), &hint.into()),
                "{about}"
            );
        }
    }
}

fn good_response(request: &ReceivedRequest) -> Script {
    crate::endpoints::Endpoint::of(request).good_response()
}

#[tokio::test]
async fn without_tokens_the_actor_is_anonymous_and_pool_keys_are_used_if_configured() {
    let provider = ScriptedProvider::start(good_response).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let table: [Headers<'_>; 5] = [
        &[],
        &[("Authorization", OWN_BEARER)],
        &[("Authorization", OWN_BEARER), ("Authorization", "Basic secret-a")],
        &[("X-Api-Key", "secret-b"), ("Api-Key", "secret-c"), ("Cookie", "secret-d")],
        &[("X-AIBridge-Token", "secret-e"), ("X-Coder-AI-Governance-Token", "secret-f")],
    ];
    for headers in table {
        check(&gateway, &provider, headers, Centralized, "anonymous", &["secret-", OWN_KEY]).await;
    }
}

#[tokio::test]
async fn without_pool_keys_a_client_must_send_exactly_one_key() {
    let provider = ScriptedProvider::start(good_response).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[]).await;
    let spaced = format!("BEARER   {OWN_KEY} ");
    let two = format!("{OWN_BEARER} sk-another");
    let table: [(Headers<'_>, Expected); 11] = [
        (&[("Authorization", OWN_BEARER)], Byok),
        (&[("authorization", "bearer sk-the-clients-own-key-1")], Byok),
        (&[("Authorization", &spaced)], Byok),
        (&[("Authorization", OWN_BEARER), ("X-Api-Key", "secret-k")], Byok),
        (&[], NO_CREDENTIAL),
        (&[("Authorization", &two)], NO_CREDENTIAL),
        (&[("Authorization", OWN_BEARER), ("Authorization", OWN_BEARER)], NO_CREDENTIAL),
        (&[("Authorization", "Basic c2VjcmV0LQ==")], NO_CREDENTIAL),
        (&[("Authorization", OWN_KEY)], NO_CREDENTIAL),
        (&[("X-Api-Key", OWN_KEY)], NO_CREDENTIAL),
        (&[("Authorization", "Bearer aib_is-the-gateways-and-nobody-elses")], NO_CREDENTIAL),
    ];
    for (headers, expected) in table {
        check(&gateway, &provider, headers, expected, "anonymous", &["secret-", "aib_"]).await;
    }
}

#[tokio::test]
async fn byok_can_be_disabled() {
    let provider = ScriptedProvider::start(good_response).await;
    let own: Headers<'_> = &[("Authorization", OWN_BEARER)];
    for (keys, headers, expected) in [
        (&KEYS[..0], own, NO_BYOK),
        (&KEYS[..0], &[], NO_CREDENTIAL),
        (&KEYS[..1], own, Centralized), // BYOK is ignored, as always without access tokens
    ] {
        let settings = format!("[auth]\nbyok = false\n{}", provider_settings(&provider.base_url(), keys));
        let gateway = Harness::start(&settings).await;
        check(&gateway, &provider, headers, expected, "anonymous", &[OWN_KEY]).await;
    }
}

#[tokio::test]
async fn a_token_is_taken_from_the_first_header_that_carries_one() {
    let provider = ScriptedProvider::start(good_response).await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    let (_, token) = tokens_of(&gateway).create("ann", None).unwrap();
    let token = token.expose_secret();
    let (bearer, lower) = (format!("Bearer {token}"), format!("bearer {token}"));
    let unknown = format!("{}x", &token[..token.len() - 1]);
    let unknown_bearer = format!("Bearer {unknown}");
    let own = ("Authorization", OWN_BEARER);
    let table: [(Headers<'_>, Expected); 25] = [
        // A token in its own header leaves Authorization to the BYOK key.
        (&[("X-AIBridge-Token", token)], Centralized),
        (&[("X-AIBridge-Token", token), own], Byok),
        (&[("X-Coder-AI-Governance-Token", token)], Centralized),
        (&[("x-coder-ai-governance-token", token), own], Byok),
        (&[("X-AIBridge-Token", token), ("X-Coder-AI-Governance-Token", &unknown)], Centralized),
        (&[("X-AIBridge-Token", token), ("X-Api-Key", OWN_KEY)], Centralized),
        (&[("X-AIBridge-Token", token), ("Authorization", "Basic c2VjcmV0")], Centralized),
        // An access token in Authorization as well is not a BYOK key.
        (&[("X-AIBridge-Token", token), ("Authorization", &bearer)], Centralized),
        (&[("X-AIBridge-Token", token), ("Authorization", &unknown_bearer)], Centralized),
        // Then Authorization, X-Api-Key, Api-Key: a header with the token is not a BYOK key.
        (&[("Authorization", &bearer)], Centralized),
        (&[("Authorization", &lower)], Centralized),
        (&[("Authorization", &bearer), ("X-Api-Key", OWN_KEY)], Centralized),
        (&[("X-Api-Key", token)], Centralized),
        (&[("X-Api-Key", token), ("Authorization", "Basic c2VjcmV0")], Centralized),
        (&[("Api-Key", token)], Centralized),
        (&[own, ("X-Api-Key", token)], Centralized),
        (&[own, ("Api-Key", token), ("X-Api-Key", OWN_KEY)], Centralized),
        // A value that does not look like an access token is ignored.
        (&[("X-AIBridge-Token", OWN_KEY), ("Authorization", &bearer)], Centralized),
        // A bad token in a preferred header is not replaced by a good one in another.
        (&[("X-AIBridge-Token", &unknown), ("Authorization", &bearer)], BAD_TOKEN),
        (&[], BAD_TOKEN),
        (&[own], BAD_TOKEN),
        (&[("Authorization", &unknown_bearer)], BAD_TOKEN),
        (&[("X-Api-Key", &unknown)], BAD_TOKEN),
        (&[("Authorization", token)], BAD_TOKEN),
        (&[("Cookie", &bearer), ("X-Goog-Api-Key", token)], BAD_TOKEN),
    ];
    for (headers, expected) in table {
        check(&gateway, &provider, headers, expected, "ann", &["aib_", token, OWN_KEY]).await;
    }
}

#[tokio::test]
async fn an_access_token_alone_does_not_replace_a_provider_key() {
    let provider = ScriptedProvider::start(good_response).await;
    for (byok, expected) in [(true, Byok), (false, NO_BYOK)] {
        let settings = with_tokens(&provider, &[]).replace("[auth]", &format!("[auth]\nbyok = {byok}"));
        let gateway = Harness::start(&settings).await;
        let (_, token) = tokens_of(&gateway).create("ann", None).unwrap();
        let token = token.expose_secret();
        let own: Headers<'_> = &[("X-AIBridge-Token", token), ("Authorization", OWN_BEARER)];
        check(&gateway, &provider, own, expected, "ann", &[token]).await;
        let alone: Headers<'_> = &[("Authorization", &format!("Bearer {token}"))];
        check(&gateway, &provider, alone, NO_CREDENTIAL, "ann", &[token]).await;
    }
}

#[tokio::test]
async fn a_refused_byok_key_does_not_cool_a_pool_key() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(OWN_KEY) => Script::json(429, "{}").header("Retry-After", "90"),
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    let (_, token) = tokens_of(&gateway).create("ann", None).unwrap();
    let token = ("X-AIBridge-Token", token.expose_secret());
    let response = CHAT.call(&gateway, &[token, ("Authorization", OWN_BEARER)]).await;
    assert_eq!((response.status(), response.header("x-aibridge-error")), (429, None));
    assert_eq!(CHAT.call(&gateway, &[token]).await.status(), 200);
    // Also not if the BYOK key equals the pool key: BYOK refusals do not cool pool keys.
    let same = format!("Bearer {}", KEYS[0]);
    assert_eq!(CHAT.call(&gateway, &[token, ("Authorization", &same)]).await.status(), 200);
    assert_eq!(provider.received().len(), 3);
}

#[tokio::test]
async fn tokens_are_checked_after_the_route_and_before_the_body() {
    let provider = ScriptedProvider::start(good_response).await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    for (target, body, code) in [
        (CHAT.target, "not JSON", "invalid_gateway_token"),
        ("/openai/v1/nothing", "{}", "unknown_route"),
        ("/openai/v1/models/..", "{}", "invalid_path"),
    ] {
        let response = RawClient::post(gateway.address, target, &[], body).await;
        assert_eq!(response.header("x-aibridge-error"), Some(code), "{target}");
    }
}
