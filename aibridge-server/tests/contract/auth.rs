//! Who asks, and whose key pays.

use crate::harness::{Harness, provider_settings};
use crate::ways::{CHAT, HINTS, KEYS, OWN_BEARER, OWN_HINT, OWN_KEY, WAYS, recorded};
use aibridge_store::{Durability, Options, Tokens};
use aibridge_testkit::{RawClient, Received, Script, ScriptedProvider};
use secrecy::ExposeSecret;
use std::path::PathBuf;

mod actor;
mod command;
mod live;

/// What becomes of a request with some headers.
#[derive(Debug, Clone, Copy)]
enum Becomes {
    /// Paid with the pool's key.
    Centralized,
    /// Paid with the client's own.
    Byok,
    /// Answered by the gateway itself: status, `type`, `code`.
    Refused(u16, &'static str, &'static str),
}
use Becomes::{Byok, Centralized, Refused};

const NO_CREDENTIAL: Becomes = Refused(401, "authentication_error", "no_credential");
const BAD_TOKEN: Becomes = Refused(401, "authentication_error", "invalid_gateway_token");
const NO_BYOK: Becomes = Refused(403, "permission_error", "byok_disabled");

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Opens the tokens of `gateway`'s store, as the command line does beside it.
pub(crate) fn tokens_of(gateway: &Harness) -> Tokens {
    tokens_in(gateway.store.path().to_owned())
}

/// The same of a store in a file.
pub(crate) fn tokens_in(path: PathBuf) -> Tokens {
    Tokens::open(&Options { path, durability: Durability::Process }).unwrap()
}

/// Settings of a gateway that wants tokens.
fn with_tokens(provider: &ScriptedProvider, keys: &[&str]) -> String {
    format!("[auth]\nmode = \"tokens\"\n{}", provider_settings(&provider.base_url(), keys))
}

/// Asks every way, and compares what the provider and the store got to see. None of `hidden` reaches the provider.
async fn check(
    gateway: &Harness,
    provider: &ScriptedProvider,
    headers: Headers<'_>,
    becomes: Becomes,
    user: &str,
    hidden: &[&str],
) {
    for way in &WAYS {
        let about = format!("{} {headers:?}", way.name);
        let before = provider.received().len();
        let rows = gateway.store.rows("aibridge_interceptions").len();
        let answer = way.ask(gateway, headers).await;
        let received = &provider.received()[before..];
        let (key, kind, hint) = match becomes {
            Centralized => (KEYS[0], "centralized", HINTS[0]),
            Byok => (OWN_KEY, "byok", OWN_HINT),
            Refused(status, kind, code) => {
                assert_eq!(
                    (answer.status(), answer.header("x-aibridge-error")),
                    (status, Some(code)),
                    "{about}"
                );
                assert_eq!(answer.json()["error"]["type"], kind, "{about}");
                assert_eq!(answer.json()["error"]["code"], code, "{about}");
                assert!(received.is_empty(), "{about}: nothing reaches the provider");
                assert_eq!(
                    gateway.store.rows("aibridge_interceptions").len(),
                    rows,
                    "{about}: nothing begun"
                );
                continue;
            }
        };
        assert_eq!((answer.status(), answer.text()), (200, way.answer), "{about}");
        let [request] = received else { panic!("{about}: {received:?}") };
        assert_eq!(request.header_values("authorization"), [format!("Bearer {key}")], "{about}");
        let head = String::from_utf8_lossy(&request.raw_head);
        for secret in hidden.iter().filter(|secret| **secret != key) {
            assert!(!head.contains(secret), "{about}: {head}");
        }
        if way.is_recorded {
            let row = recorded(gateway, &answer);
            assert_eq!(row["initiator_id"], user, "{about}");
            assert_eq!(
                (&row["credential_kind"], &row["credential_hint"]),
                (&kind.into(), &hint.into()),
                "{about}"
            );
        }
    }
}

fn good_answer(request: &Received) -> Script {
    crate::ways::Way::of(request).good_answer()
}

#[tokio::test]
async fn without_tokens_everyone_is_anonymous_and_the_pool_pays_if_there_is_one() {
    let provider = ScriptedProvider::start(good_answer).await;
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
async fn without_keys_a_client_brings_exactly_one_of_its_own() {
    let provider = ScriptedProvider::start(good_answer).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[]).await;
    let spaced = format!("BEARER   {OWN_KEY} ");
    let two = format!("{OWN_BEARER} sk-another");
    let table: [(Headers<'_>, Becomes); 11] = [
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
    for (headers, becomes) in table {
        check(&gateway, &provider, headers, becomes, "anonymous", &["secret-", "aib_"]).await;
    }
}

#[tokio::test]
async fn own_keys_may_be_forbidden() {
    let provider = ScriptedProvider::start(good_answer).await;
    let own: Headers<'_> = &[("Authorization", OWN_BEARER)];
    for (keys, headers, becomes) in [
        (&KEYS[..0], own, NO_BYOK),
        (&KEYS[..0], &[], NO_CREDENTIAL),
        (&KEYS[..1], own, Centralized), // ignored, as always without tokens
    ] {
        let settings = format!("[auth]\nbyok = false\n{}", provider_settings(&provider.base_url(), keys));
        let gateway = Harness::start(&settings).await;
        check(&gateway, &provider, headers, becomes, "anonymous", &[OWN_KEY]).await;
    }
}

#[tokio::test]
async fn a_token_is_taken_from_the_first_header_that_carries_one() {
    let provider = ScriptedProvider::start(good_answer).await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    let (_, token) = tokens_of(&gateway).create("ann", None).unwrap();
    let token = token.expose_secret();
    let (bearer, lower) = (format!("Bearer {token}"), format!("bearer {token}"));
    let unknown = format!("{}x", &token[..token.len() - 1]);
    let unknown_bearer = format!("Bearer {unknown}");
    let own = ("Authorization", OWN_BEARER);
    let table: [(Headers<'_>, Becomes); 25] = [
        // Its own header leaves Authorization to the client's provider key.
        (&[("X-AIBridge-Token", token)], Centralized),
        (&[("X-AIBridge-Token", token), own], Byok),
        (&[("X-Coder-AI-Governance-Token", token)], Centralized),
        (&[("x-coder-ai-governance-token", token), own], Byok),
        (&[("X-AIBridge-Token", token), ("X-Coder-AI-Governance-Token", &unknown)], Centralized),
        (&[("X-AIBridge-Token", token), ("X-Api-Key", OWN_KEY)], Centralized),
        (&[("X-AIBridge-Token", token), ("Authorization", "Basic c2VjcmV0")], Centralized),
        // The same token twice is no key of the client's.
        (&[("X-AIBridge-Token", token), ("Authorization", &bearer)], Centralized),
        (&[("X-AIBridge-Token", token), ("Authorization", &unknown_bearer)], Centralized),
        // Then Authorization, X-Api-Key, Api-Key: these are used up.
        (&[("Authorization", &bearer)], Centralized),
        (&[("Authorization", &lower)], Centralized),
        (&[("Authorization", &bearer), ("X-Api-Key", OWN_KEY)], Centralized),
        (&[("X-Api-Key", token)], Centralized),
        (&[("X-Api-Key", token), ("Authorization", "Basic c2VjcmV0")], Centralized),
        (&[("Api-Key", token)], Centralized),
        (&[own, ("X-Api-Key", token)], Centralized),
        (&[own, ("Api-Key", token), ("X-Api-Key", OWN_KEY)], Centralized),
        // What does not look like a token is none.
        (&[("X-AIBridge-Token", OWN_KEY), ("Authorization", &bearer)], Centralized),
        // What stands in a header that counts more is not made good by one that counts less.
        (&[("X-AIBridge-Token", &unknown), ("Authorization", &bearer)], BAD_TOKEN),
        (&[], BAD_TOKEN),
        (&[own], BAD_TOKEN),
        (&[("Authorization", &unknown_bearer)], BAD_TOKEN),
        (&[("X-Api-Key", &unknown)], BAD_TOKEN),
        (&[("Authorization", token)], BAD_TOKEN),
        (&[("Cookie", &bearer), ("X-Goog-Api-Key", token)], BAD_TOKEN),
    ];
    for (headers, becomes) in table {
        check(&gateway, &provider, headers, becomes, "ann", &["aib_", token, OWN_KEY]).await;
    }
}

#[tokio::test]
async fn with_tokens_too_somebody_has_to_pay() {
    let provider = ScriptedProvider::start(good_answer).await;
    for (byok, becomes) in [(true, Byok), (false, NO_BYOK)] {
        let settings = with_tokens(&provider, &[]).replace("[auth]", &format!("[auth]\nbyok = {byok}"));
        let gateway = Harness::start(&settings).await;
        let (_, token) = tokens_of(&gateway).create("ann", None).unwrap();
        let token = token.expose_secret();
        let own: Headers<'_> = &[("X-AIBridge-Token", token), ("Authorization", OWN_BEARER)];
        check(&gateway, &provider, own, becomes, "ann", &[token]).await;
        let alone: Headers<'_> = &[("Authorization", &format!("Bearer {token}"))];
        check(&gateway, &provider, alone, NO_CREDENTIAL, "ann", &[token]).await;
    }
}

#[tokio::test]
async fn what_a_client_s_own_key_is_answered_says_nothing_about_the_pool() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(OWN_KEY) => Script::json(429, "{}").header("Retry-After", "90"),
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    let (_, token) = tokens_of(&gateway).create("ann", None).unwrap();
    let token = ("X-AIBridge-Token", token.expose_secret());
    let answer = CHAT.ask(&gateway, &[token, ("Authorization", OWN_BEARER)]).await;
    assert_eq!((answer.status(), answer.header("x-aibridge-error")), (429, None));
    assert_eq!(CHAT.ask(&gateway, &[token]).await.status(), 200);
    // Not even if it is the pool's: the client's is not the gateway's business.
    let same = format!("Bearer {}", KEYS[0]);
    assert_eq!(CHAT.ask(&gateway, &[token, ("Authorization", &same)]).await.status(), 200);
    assert_eq!(provider.received().len(), 3);
}

#[tokio::test]
async fn a_challenge_to_the_token_comes_before_the_body_but_behind_the_route() {
    let provider = ScriptedProvider::start(good_answer).await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    for (target, body, code) in [
        (CHAT.target, "not JSON", "invalid_gateway_token"),
        ("/openai/v1/nothing", "{}", "unknown_route"),
        ("/openai/v1/models/..", "{}", "invalid_path"),
    ] {
        let answer = RawClient::post(gateway.address, target, &[], body).await;
        assert_eq!(answer.header("x-aibridge-error"), Some(code), "{target}");
    }
}
