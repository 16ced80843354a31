//! What besides providers can change while it serves, and what cannot.

use super::{ask, launch, settings};
use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{RawClient, ScriptedProvider};

#[tokio::test]
async fn who_may_come_in_and_with_what_changes_at_once() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let providers = provider_settings(&provider.base_url(), &[]);
    let gateway = launch(providers.clone()).start().await;
    let asked = async || {
        let own = [("Authorization", "Bearer sk-own")];
        let answer = RawClient::post(gateway.address(), CHAT.target, &own, CHAT.blocking).await;
        answer.header("x-aibridge-error").map(str::to_owned)
    };
    assert_eq!(asked().await, None);
    let steps = [
        ("[server]\nmax_body_bytes = 3\n", "settings=[\"server.max_body_bytes\"]", "request_too_large"),
        (
            "[auth]\nmode = \"tokens\"\n",
            "settings=[\"auth.mode\", \"server.max_body_bytes\"]",
            "invalid_gateway_token",
        ),
        ("[auth]\nbyok = false\n", "settings=[\"auth.mode\", \"auth.byok\"]", "byok_disabled"),
    ];
    for (text, said, code) in steps {
        settings(&gateway, &format!("{text}{providers}"), said).await;
        assert_eq!(asked().await.as_deref(), Some(code), "{text}");
    }
    assert!(!gateway.stderr().contains("restart to apply"), "{}", gateway.stderr());
}

#[tokio::test]
async fn how_old_records_get_changes_soon() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let providers = provider_settings(&provider.base_url(), &[KEY]);
    let gateway = launch(format!("[store]\nretention = \"60s\"\n{providers}")).start().await;
    assert_eq!(ask(&gateway, CHAT.target).await, 200);
    let store = gateway.store();
    assert_eq!(store.rows("aibridge_interceptions").len(), 1);
    let text = format!("[store]\nretention = \"1s\"\n{providers}");
    settings(&gateway, &text, "settings=[\"store.retention\"]").await;
    gateway.said("deleted expired interceptions deleted=1").await;
    assert!(store.rows("aibridge_interceptions").is_empty());
    assert!(!gateway.stderr().contains("restart to apply"), "{}", gateway.stderr());
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_opens_no_door() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let providers = provider_settings(&provider.base_url(), &[KEY]);
    let gateway = launch(format!("[auth]\nmode = \"tokens\"\n{providers}")).start().await;
    assert_eq!(ask(&gateway, CHAT.target).await, 401);

    // "none" is fine on the addresses that it names, but those are not the ones that are listened on.
    let moved = "[admin]\nlisten = \"127.0.0.1:9\"\n[log]\nformat = \"json\"\n[auth]\nmode = \"none\"\n";
    let named = "settings=[\"admin.listen\", \"auth.mode\", \"log.format\"]";
    settings(&gateway, &format!("{moved}{providers}"), named).await;
    assert_eq!(ask(&gateway, CHAT.target).await, 401);
    assert!(gateway.stderr().contains("restart to apply"), "{}", gateway.stderr());

    gateway.hang_up();
    gateway.said("settings reloaded: nothing changed").await;
    settings(&gateway, &providers, "settings=[\"auth.mode\"]").await;
    assert_eq!(ask(&gateway, CHAT.target).await, 200);
}
