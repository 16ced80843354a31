//! Statuses that HTTP libraries handle themselves: the gateway relays them.

use crate::endpoints::{ENDPOINTS, KEYS, recorded};
use crate::harness::Harness;
use aibridge_testkit::{Script, ScriptedProvider};

#[tokio::test]
async fn redirects_are_relayed_and_never_followed() {
    let elsewhere = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let location = format!("{}conversations", elsewhere.base_url());
    for status in [300, 301, 302, 303, 307, 308] {
        let location = location.clone();
        let to = location.clone();
        let provider = ScriptedProvider::start(move |_| {
            Script::json(status, r#"{"moved":true}"#).header("Location", &to)
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        for endpoint in &ENDPOINTS {
            let response = endpoint.call(&gateway, &[]).await;
            assert_eq!(
                (response.status(), response.text()),
                (status, r#"{"moved":true}"#),
                "{}",
                endpoint.name
            );
            assert_eq!(response.header("location"), Some(location.as_str()), "{}", endpoint.name);
            if endpoint.is_recorded {
                assert_eq!(recorded(&gateway, &response)["upstream_status"], status, "{}", endpoint.name);
            }
        }
        assert_eq!(provider.received().len(), ENDPOINTS.len(), "{status}: one request each");
    }
    assert!(elsewhere.received().is_empty(), "a key is for its provider only");
}

#[tokio::test]
async fn unusual_statuses_are_relayed() {
    for status in [201, 202, 299, 418, 451, 499, 529, 599] {
        let provider = ScriptedProvider::start(move |_| Script::json(status, "{\"odd\":1}")).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        for endpoint in &ENDPOINTS {
            let response = endpoint.call(&gateway, &[]).await;
            assert_eq!((response.status(), response.text()), (status, "{\"odd\":1}"), "{}", endpoint.name);
        }
    }
}
