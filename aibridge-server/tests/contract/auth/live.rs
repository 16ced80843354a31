//! Access tokens that are created, revoked or expire while the gateway runs.

use super::{good_response, tokens_of, with_tokens};
use crate::endpoints::{CHAT, KEYS};
use crate::harness::Harness;
use aibridge_store::Tokens;
use aibridge_testkit::{ScriptedProvider, within};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

async fn gateway() -> (ScriptedProvider, Harness, Tokens) {
    let provider = ScriptedProvider::start(good_response).await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    let tokens = tokens_of(&gateway);
    (provider, gateway, tokens)
}

async fn call(gateway: &Harness, token: &str) -> u16 {
    CHAT.call(gateway, &[("Authorization", &format!("Bearer {token}"))]).await.status()
}

/// Calls with `token` until the response is `status`, and returns when that request was sent.
async fn call_until(gateway: &Harness, token: &str, status: u16) -> Instant {
    let calls = async {
        loop {
            let sent_at = Instant::now();
            if call(gateway, token).await == status {
                return sent_at;
            }
        }
    };
    within(calls, &format!("the response {status}")).await
}

#[tokio::test]
async fn a_new_token_is_usable_and_a_revoked_one_refused_within_a_second() {
    let (_provider, gateway, tokens) = gateway().await;
    for _ in 0..3 {
        let (row, token) = tokens.create("ann", None).unwrap();
        let token = token.expose_secret();
        let created = Instant::now();
        let accepted = call_until(&gateway, token, 200).await;
        assert!(accepted - created < SECOND, "{:?}", accepted - created);

        assert!(tokens.revoke(row.id).unwrap());
        let revoked = Instant::now();
        let refused = call_until(&gateway, token, 401).await;
        assert!(refused - revoked < SECOND, "{:?}", refused - revoked);
        assert_eq!(call(&gateway, token).await, 401, "and every later request");
    }
}

#[tokio::test]
async fn a_token_is_accepted_until_its_expiry_and_refused_after_it() {
    let (_provider, gateway, tokens) = gateway().await;
    let (row, token) = tokens.create("ann", Some(Duration::from_millis(300))).unwrap();
    let token = token.expose_secret();
    let calls = async {
        loop {
            let sent_at = Timestamp::now();
            let status = call(&gateway, token).await;
            let received_at = Timestamp::now();
            let expires = row.expires_at.unwrap();
            assert!(status == 401 || sent_at < expires, "accepted {} late", sent_at - expires);
            assert!(status == 200 || received_at >= expires, "refused {} early", expires - received_at);
            if status == 401 {
                return;
            }
        }
    };
    within(calls, "the token to expire").await;
}
