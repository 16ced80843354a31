//! Tokens that come and go while the gateway runs.

use super::{good_answer, tokens_of, with_tokens};
use crate::harness::Harness;
use crate::ways::{CHAT, KEYS};
use aibridge_store::Tokens;
use aibridge_testkit::{ScriptedProvider, within};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

async fn gateway() -> (ScriptedProvider, Harness, Tokens) {
    let provider = ScriptedProvider::start(good_answer).await;
    let gateway = Harness::start(&with_tokens(&provider, &KEYS[..1])).await;
    let tokens = tokens_of(&gateway);
    (provider, gateway, tokens)
}

async fn ask(gateway: &Harness, token: &str) -> u16 {
    CHAT.ask(gateway, &[("Authorization", &format!("Bearer {token}"))]).await.status()
}

/// Asks with `token` again and again until the answer is `status`, and says when that was asked for.
async fn asked_until(gateway: &Harness, token: &str, status: u16) -> Instant {
    let asking = async {
        loop {
            let asked = Instant::now();
            if ask(gateway, token).await == status {
                return asked;
            }
        }
    };
    within(asking, &format!("the answer {status}")).await
}

#[tokio::test]
async fn a_new_token_is_usable_and_a_revoked_one_refused_within_a_second() {
    let (_provider, gateway, tokens) = gateway().await;
    for _ in 0..3 {
        let (row, token) = tokens.create("ann", None).unwrap();
        let token = token.expose_secret();
        let created = Instant::now();
        let accepted = asked_until(&gateway, token, 200).await;
        assert!(accepted - created < SECOND, "{:?}", accepted - created);

        assert!(tokens.revoke(row.id).unwrap());
        let revoked = Instant::now();
        let refused = asked_until(&gateway, token, 401).await;
        assert!(refused - revoked < SECOND, "{:?}", refused - revoked);
        assert_eq!(ask(&gateway, token).await, 401, "and stays refused");
    }
}

#[tokio::test]
async fn a_token_is_refused_from_its_expiry_on_though_it_was_good_just_before() {
    let (_provider, gateway, tokens) = gateway().await;
    let (row, token) = tokens.create("ann", Some(Duration::from_millis(300))).unwrap();
    let token = token.expose_secret();
    let asking = async {
        loop {
            let asked = Timestamp::now();
            let status = ask(&gateway, token).await;
            let answered = Timestamp::now();
            let expires = row.expires_at.unwrap();
            assert!(status == 401 || asked < expires, "accepted {} late", asked - expires);
            assert!(status == 200 || answered >= expires, "refused {} early", expires - answered);
            if status == 401 {
                return;
            }
        }
    };
    within(asking, "the token to expire").await;
}
