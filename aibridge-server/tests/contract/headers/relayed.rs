//! Statuses that a client library would act upon: here they are the client's to act upon.

use crate::harness::Harness;
use crate::ways::{KEYS, WAYS, recorded};
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
        for way in &WAYS {
            let answer = way.ask(&gateway, &[]).await;
            assert_eq!((answer.status(), answer.text()), (status, r#"{"moved":true}"#), "{}", way.name);
            assert_eq!(answer.header("location"), Some(location.as_str()), "{}", way.name);
            if way.is_recorded {
                assert_eq!(recorded(&gateway, &answer)["upstream_status"], status, "{}", way.name);
            }
        }
        assert_eq!(provider.received().len(), WAYS.len(), "{status}: one request each");
    }
    assert!(elsewhere.received().is_empty(), "a key is for its provider only");
}

#[tokio::test]
async fn unusual_statuses_are_relayed() {
    for status in [201, 202, 299, 418, 451, 499, 529, 599] {
        let provider = ScriptedProvider::start(move |_| Script::json(status, "{\"odd\":1}")).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        for way in &WAYS {
            let answer = way.ask(&gateway, &[]).await;
            assert_eq!((answer.status(), answer.text()), (status, "{\"odd\":1}"), "{}", way.name);
        }
    }
}
