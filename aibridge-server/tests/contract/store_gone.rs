//! A SQLite file that is removed or moved while the gateway runs: nothing is asked that nobody could find on record.

use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, RawClient, ScriptedProvider, wait_until};
use std::fs;

#[tokio::test]
async fn requests_are_refused_at_once_and_the_gateway_is_not_ready() {
    for suffix in ["", "-wal"] {
        let provider = ScriptedProvider::start(Dialect::answer_to).await;
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge"))
            .config(provider_settings(&provider.base_url(), &[KEY]));
        let gateway = launch.start().await;
        let ask = || RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking);
        assert_eq!(ask().await.status(), 200);
        let mut file = launch.store_path().into_os_string();
        file.push(suffix);
        fs::rename(&file, launch.dir().join("elsewhere")).unwrap();
        for _ in 0..3 {
            let answer = ask().await;
            assert_eq!(
                (answer.status(), answer.header("x-aibridge-error")),
                (503, Some("recorder_unavailable"))
            );
        }
        assert_eq!(RawClient::get(gateway.address(), "/readyz").await.status(), 503);
        assert_eq!(provider.received().len(), 1, "the provider never heard of the others");
        gateway.said("was removed, moved or replaced while it was open").await;
        gateway.said("put it back, or restart the gateway").await;
        if suffix.is_empty() {
            fs::rename(launch.dir().join("elsewhere"), &file).unwrap();
            assert_eq!(ask().await.status(), 200, "it is back");
            let open = "SELECT id FROM aibridge_interceptions WHERE ended_at IS NULL";
            wait_until(|| gateway.store().query(open, &[]).is_empty(), "all to have ended").await;
        }
    }
}
