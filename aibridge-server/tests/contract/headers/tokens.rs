//! Headers that contain an access token never reach a provider.

use crate::endpoints::{ENDPOINTS, Endpoint, KEYS, OWN_BEARER};
use crate::harness::Harness;
use aibridge_testkit::{RawClient, ScriptedProvider, request};

const TOKEN: &str = "aib_0123456789abcdefghijABCDEFGHIJ";

#[tokio::test]
async fn a_header_with_an_access_token_is_not_forwarded() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let bearer = format!("Bearer {TOKEN}");
    let inside = format!("a=1; next=\"{TOKEN}\", b");
    for keys in [&KEYS[..1], &[]] {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        for endpoint in &ENDPOINTS {
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
                let bytes = request("POST", endpoint.target, &headers, endpoint.body.as_bytes());
                let response = RawClient::connect(gateway.address).await.call(&bytes).await;
                assert_eq!(response.status(), 200, "{} {name}", endpoint.name);
                let received = provider.received().pop().unwrap();
                let head = String::from_utf8_lossy(&received.raw_head).into_owned();
                assert!(
                    !head.contains("aib_") && !head.contains("harmless"),
                    "{} {name}: {head}",
                    endpoint.name
                );
            }
        }
    }
}
