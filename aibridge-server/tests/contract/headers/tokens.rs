//! What looks like an access token never reaches a provider, wherever a client puts it.

use crate::harness::Harness;
use crate::ways::{KEYS, OWN_BEARER, WAYS, Way};
use aibridge_testkit::{RawClient, ScriptedProvider, request};

const TOKEN: &str = "aib_0123456789abcdefghijABCDEFGHIJ";

#[tokio::test]
async fn a_header_with_an_access_token_is_not_forwarded() {
    let provider = ScriptedProvider::start(|request| Way::of(request).good_answer()).await;
    let bearer = format!("Bearer {TOKEN}");
    let inside = format!("a=1; next=\"{TOKEN}\", b");
    for keys in [&KEYS[..1], &[]] {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        for way in &WAYS {
            for (name, value) in [
                ("X-Goog-Api-Key", TOKEN),
                ("Api-Key", TOKEN),
                ("X-Auth-Token", TOKEN),
                ("X-Custom", &bearer),
                ("X_Custom", &inside),
                ("Referer", &inside),
                ("User-Agent", &inside),
            ] {
                let headers = [("Authorization", OWN_BEARER), (name, "harmless"), (name, value)];
                let asked = request("POST", way.target, &headers, way.body.as_bytes());
                let answer = RawClient::connect(gateway.address).await.ask(&asked).await;
                assert_eq!(answer.status(), 200, "{} {name}", way.name);
                let received = provider.received().pop().unwrap();
                let head = String::from_utf8_lossy(&received.raw_head).into_owned();
                assert!(!head.contains("aib_") && !head.contains("harmless"), "{} {name}: {head}", way.name);
            }
        }
    }
}
