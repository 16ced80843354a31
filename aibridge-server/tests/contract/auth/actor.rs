//! What a provider is told about who asks.

use super::{good_answer, tokens_of, with_tokens};
use crate::harness::{Harness, provider_settings};
use crate::ways::{KEYS, OWN_BEARER, WAYS, recorded};
use aibridge_testkit::ScriptedProvider;
use secrecy::ExposeSecret;

const ACTOR: &str = "x-ai-bridge-actor-id";
const SPOOFED: [(&str, &str); 4] = [
    ("X-AI-Bridge-Actor-ID", "root"),
    ("x-ai-bridge-actor-metadata-Email", "root@example.org"),
    ("X-AIBridge-Actor", "root"),
    ("X-Coder-Owner", "root"),
];

#[tokio::test]
async fn a_provider_is_told_who_asks_only_if_it_shall_and_nobody_can_pretend() {
    let provider = ScriptedProvider::start(good_answer).await;
    for send in [true, false] {
        let settings = format!("{}send_actor_headers = {send}\n", with_tokens(&provider, &KEYS[..1]));
        let gateway = Harness::start(&settings).await;
        for user in ["ann", "Ada Lövelace", "svc:build/7"] {
            let (_, token) = tokens_of(&gateway).create(user, None).unwrap();
            let token = ("X-AIBridge-Token", token.expose_secret());
            for way in &WAYS {
                for own in [&[][..], &[("Authorization", OWN_BEARER)]] {
                    let headers = [&SPOOFED, &[token][..], own].concat();
                    let answer = way.ask(&gateway, &headers).await;
                    let request = provider.received().pop().unwrap();
                    let told = request.header_values(ACTOR);
                    assert_eq!(told, if send { vec![user] } else { vec![] }, "{} {user}", way.name);
                    let head = String::from_utf8_lossy(&request.raw_head).to_ascii_lowercase();
                    assert!(!head.contains("root"), "{head}");
                    if way.is_recorded {
                        assert_eq!(recorded(&gateway, &answer)["initiator_id"], user, "{}", way.name);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn without_tokens_the_actor_is_anonymous() {
    let provider = ScriptedProvider::start(good_answer).await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1]) + "send_actor_headers = true\n";
    let gateway = Harness::start(&settings).await;
    for way in &WAYS {
        way.ask(&gateway, &SPOOFED).await;
        let request = provider.received().pop().unwrap();
        assert_eq!(request.header_values(ACTOR), ["anonymous"], "{}", way.name);
    }
}
