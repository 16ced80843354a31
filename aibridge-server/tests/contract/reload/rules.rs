//! Settings other than providers that a reload applies, and those that need a restart.

use super::{call, launch, settings};
use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{RawClient, ScriptedProvider};

#[tokio::test]
async fn auth_settings_reload_at_once() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let providers = provider_settings(&provider.base_url(), &[]);
    let gateway = launch(providers.clone()).start().await;
    let refusal_code = async || {
        let own = [("Authorization", "Bearer sk-own")];
        let response = RawClient::post(gateway.address(), CHAT.target, &own, CHAT.blocking).await;
        response.header("x-aibridge-error").map(str::to_owned)
    };
    assert_eq!(refusal_code().await, None);
    let steps = [
        ("[server]\nmax_body_bytes = 3\n", "settings=[\"server.max_body_bytes\"]", "request_too_large"),
        (
            "[auth]\nmode = \"tokens\"\n",
            "settings=[\"auth.mode\", \"server.max_body_bytes\"]",
            "invalid_gateway_token",
        ),
        ("[auth]\nbyok = false\n", "settings=[\"auth.mode\", \"auth.byok\"]", "byok_disabled"),
    ];
    for (text, output, code) in steps {
        settings(&gateway, &format!("{text}{providers}"), output).await;
        assert_eq!(refusal_code().await.as_deref(), Some(code), "{text}");
    }
    assert!(!gateway.stderr().contains("restart to apply"), "{}", gateway.stderr());
}

#[tokio::test]
async fn retention_reloads_soon() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let providers = provider_settings(&provider.base_url(), &[KEY]);
    let gateway = launch(format!("[store]\nretention = \"60s\"\n{providers}")).start().await;
    assert_eq!(call(&gateway, CHAT.target).await, 200);
    let store = gateway.store();
    assert_eq!(store.rows("aibridge_interceptions").len(), 1);
    let text = format!("[store]\nretention = \"1s\"\n{providers}");
    settings(&gateway, &text, "settings=[\"store.retention\"]").await;
    gateway.wait_for_output("deleted expired interceptions deleted=1").await;
    assert!(store.rows("aibridge_interceptions").is_empty());
    assert!(!gateway.stderr().contains("restart to apply"), "{}", gateway.stderr());
}

#[tokio::test]
async fn settings_that_need_a_restart_are_named_and_not_applied() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let providers = provider_settings(&provider.base_url(), &[KEY]);
    let gateway = launch(format!("[auth]\nmode = \"tokens\"\n{providers}")).start().await;
    assert_eq!(call(&gateway, CHAT.target).await, 401);

    // The mode "none" is valid for the new addresses, but the gateway still listens on the old ones.
    let moved = "[admin]\nlisten = \"127.0.0.1:9\"\n[log]\nformat = \"json\"\n[auth]\nmode = \"none\"\n";
    let named = "settings=[\"admin.listen\", \"auth.mode\", \"log.format\"]";
    settings(&gateway, &format!("{moved}{providers}"), named).await;
    assert_eq!(call(&gateway, CHAT.target).await, 401);
    assert!(gateway.stderr().contains("restart to apply"), "{}", gateway.stderr());

    gateway.hang_up();
    gateway.wait_for_output("settings reloaded: nothing changed").await;
    settings(&gateway, &providers, "settings=[\"auth.mode\"]").await;
    assert_eq!(call(&gateway, CHAT.target).await, 200);
}
