//! A SQLite file that is removed, moved or replaced at run time: requests that cannot be recorded are refused.

use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, RawClient, ScriptedProvider, wait_until};
use std::fs;

#[tokio::test]
async fn a_removed_store_refuses_requests_and_readiness() {
    for suffix in ["", "-wal"] {
        let provider = ScriptedProvider::start(Dialect::respond_to).await;
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge"))
            .config(provider_settings(&provider.base_url(), &[KEY]));
        let gateway = launch.start().await;
        let call = || RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking);
        assert_eq!(call().await.status(), 200);
        let mut file = launch.store_path().into_os_string();
        file.push(suffix);
        fs::rename(&file, launch.dir().join("elsewhere")).unwrap();
        for _ in 0..3 {
            let response = call().await;
            assert_eq!(
                (response.status(), response.header("x-aibridge-error")),
                (503, Some("recorder_unavailable"))
            );
        }
        assert_eq!(RawClient::get(gateway.address(), "/readyz").await.status(), 503);
        assert_eq!(provider.received().len(), 1, "the others reached no provider");
        gateway.wait_for_output("was removed, moved or replaced while it was open").await;
        gateway.wait_for_output("put it back, or restart the gateway").await;
        if suffix.is_empty() {
            fs::rename(launch.dir().join("elsewhere"), &file).unwrap();
            assert_eq!(call().await.status(), 200, "it is back");
            let open = "SELECT id FROM aibridge_interceptions WHERE ended_at IS NULL";
            wait_until(|| gateway.store().query(open, &[]).is_empty(), "all to have ended").await;
        }
    }
}
