//! The actor headers that a provider receives.

use super::{good_response, tokens_of, with_tokens};
use crate::endpoints::{ENDPOINTS, KEYS, OWN_BEARER, recorded};
use crate::harness::{Harness, provider_settings};
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
async fn actor_headers_are_sent_only_if_configured_and_cannot_be_spoofed() {
    let provider = ScriptedProvider::start(good_response).await;
    for send in [true, false] {
        let settings = format!("{}send_actor_headers = {send}\n", with_tokens(&provider, &KEYS[..1]));
        let gateway = Harness::start(&settings).await;
        for user in ["ann", "Ada Lövelace", "svc:build/7"] {
            let (_, token) = tokens_of(&gateway).create(user, None).unwrap();
            let token = ("X-AIBridge-Token", token.expose_secret());
            for endpoint in &ENDPOINTS {
                for own in [&[][..], &[("Authorization", OWN_BEARER)]] {
                    let headers = [&SPOOFED, &[token][..], own].concat();
                    let response = endpoint.call(&gateway, &headers).await;
                    let request = provider.received().pop().unwrap();
                    let actors = request.header_values(ACTOR);
                    assert_eq!(actors, if send { vec![user] } else { vec![] }, "{} {user}", endpoint.name);
                    let head = String::from_utf8_lossy(&request.raw_head).to_ascii_lowercase();
                    assert!(!head.contains("root"), "{head}");
                    if endpoint.is_recorded {
                        assert_eq!(recorded(&gateway, &response)["initiator_id"], user, "{}", endpoint.name);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn without_tokens_the_actor_is_anonymous() {
    let provider = ScriptedProvider::start(good_response).await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1]) + "send_actor_headers = true\n";
    let gateway = Harness::start(&settings).await;
    for endpoint in &ENDPOINTS {
        endpoint.call(&gateway, &SPOOFED).await;
        let request = provider.received().pop().unwrap();
        assert_eq!(request.header_values(ACTOR), ["anonymous"], "{}", endpoint.name);
    }
}
