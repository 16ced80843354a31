//! Limits that a reload changes: earlier and open requests still count.

use super::{gated_provider, settings};
use crate::dialects::{CHAT, KEY};
use crate::endpoints::Endpoint;
use crate::harness::provider_settings;
use crate::reload::{launch, replace, settings as reload};
use aibridge_testkit::{Gate, Gateway, RawClient, ScriptedProvider, request, wait_until};

async fn call(gateway: &Gateway) -> u16 {
    RawClient::get(gateway.address(), "/openai/v1/models").await.status()
}

#[tokio::test]
async fn earlier_requests_count_under_a_new_limit() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let limited = |limit: u32| settings(&format!("requests_per_minute = {limit}"), &provider);
    let gateway = launch(limited(1)).start().await;
    assert_eq!([call(&gateway).await, call(&gateway).await], [200, 429]);
    gateway.wait_for_output("a limit of the settings refuses requests limit=\"requests\" refused=1").await;
    reload(&gateway, &limited(2), "settings=[\"limits.requests_per_minute\"]").await;
    assert_eq!([call(&gateway).await, call(&gateway).await], [200, 429], "one of the two was made before");
    let unlimited = provider_settings(&provider.base_url(), &[KEY]);
    let both = format!("{unlimited}\n[limits]\ntokens_per_minute = 7\n");
    reload(&gateway, &both, "settings=[\"limits.requests_per_minute\", \"limits.tokens_per_minute\"]").await;
    assert_eq!([call(&gateway).await, call(&gateway).await], [200, 200]);
    assert!(!gateway.stderr().contains("restart to apply"), "{}", gateway.stderr());
}

#[tokio::test]
async fn open_requests_count_under_a_new_limit() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let limited = |limit: u32| settings(&format!("max_concurrent_requests = {limit}"), &provider);
    let gateway = launch(provider_settings(&provider.base_url(), &[KEY])).start().await;
    let mut open = Vec::new();
    let mut begin = async || {
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(&request("POST", CHAT.target, &[], CHAT.stream.as_bytes())).await;
        let status = client.head().await.status;
        if status == 200 {
            open.push(client);
        }
        status
    };
    let changed = async |limit: u32, times: usize| {
        replace(&gateway.launch().config_path(), &limited(limit));
        let reloads = || gateway.stderr().matches("settings=[\"limits.max_concurrent_requests\"]").count();
        wait_until(|| reloads() == times, "the settings to be reloaded").await;
    };
    assert_eq!([begin().await, begin().await], [200, 200]);
    changed(2, 1).await;
    assert_eq!(begin().await, 503, "two are open that began without a limit");
    changed(3, 2).await;
    assert_eq!([begin().await, begin().await], [200, 503]);
    changed(1, 3).await;
    assert_eq!(begin().await, 503);
    gate.open();
    for mut client in std::mem::take(&mut open) {
        client.read_to_end().await;
    }
    assert_eq!(call(&gateway).await, 200, "none is open any more");
}
