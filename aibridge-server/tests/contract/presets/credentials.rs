//! `auth_header`: the header of a key, from a pool and of a client.

use super::{BODY, KEY, OWN, WHOLE, chat, provider};
use crate::auth::tokens_of;
use crate::harness::Harness;
use aibridge_testkit::{ReceivedRequest, Script, ScriptedProvider};
use secrecy::ExposeSecret;

/// The headers in which a provider may find a key.
const HEADERS: [&str; 5] = ["authorization", "api-key", "x-api-key", "x-vendor", "x_vendor"];

fn credentials(request: &ReceivedRequest) -> Vec<(&'static str, String)> {
    let values = |name: &'static str| {
        request.header_values(name).into_iter().map(move |value| (name, value.to_owned())).collect::<Vec<_>>()
    };
    HEADERS.into_iter().flat_map(values).collect()
}

#[tokio::test]
async fn a_pooled_key_replaces_every_credential_of_the_client() {
    let vendor = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    for (setting, header, value) in [
        ("auth_header = \"X-Vendor\"", "x-vendor", KEY.to_owned()),
        ("auth_header = \"authorization\"", "authorization", format!("Bearer {KEY}")),
        ("", "api-key", KEY.to_owned()),
    ] {
        let settings = provider("azure", &vendor, &format!("keys = [\"{KEY}\"]\n{setting}"));
        for mode in ["none", "tokens"] {
            let gateway = Harness::start(&format!("{settings}\n[auth]\nmode = \"{mode}\"")).await;
            let token = tokens_of(&gateway).create("ann", None).unwrap().1;
            let bearer = format!("Bearer {}", token.expose_secret());
            let own = [("api-key", OWN), ("x-api-key", OWN), ("X-Vendor", OWN)];
            // A header of another vendor is not a credential here, so it passes unless it is a known one.
            let own = own.into_iter().filter(|(name, _)| *name != "X-Vendor" || header == "x-vendor");
            let headers: Vec<_> = own.chain([("Authorization", bearer.as_str())]).collect();
            assert_eq!(chat(&gateway, "azure", &headers, BODY).await.status(), 200, "{setting} {mode}");
            let sent = vendor.received().pop().unwrap();
            assert_eq!(credentials(&sent), [(header, value.clone())], "{setting} {mode}");
            let row = gateway.store.rows("aibridge_interceptions").pop().unwrap();
            assert_eq!(row["credential_kind"], "centralized", "{setting} {mode}");
        }
    }
}

#[tokio::test]
async fn a_clients_own_key_is_sent_in_its_original_header() {
    let vendor = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let gateway = Harness::start(&provider("azure", &vendor, "auth_header = \"X-Vendor\"")).await;
    let bearer = format!("Bearer {OWN}");
    let table: [(&[(&str, &str)], Option<(&str, &str)>); 6] = [
        (&[("X-Vendor", OWN)], Some(("x-vendor", OWN))),
        (&[("Authorization", &bearer)], Some(("authorization", &bearer))),
        (&[("X-Vendor", OWN), ("Authorization", "Bearer other")], Some(("x-vendor", OWN))),
        (&[("Authorization", &bearer), ("X_Vendor", "smuggled")], Some(("authorization", &bearer))),
        (&[("X-Vendor", "")], None),
        (&[("api-key", OWN)], None),
    ];
    for (headers, expected) in table {
        let before = vendor.received().len();
        let response = chat(&gateway, "azure", headers, BODY).await;
        assert_eq!(response.status(), if expected.is_some() { 200 } else { 401 }, "{headers:?}");
        let sent: Vec<_> = vendor.received()[before..].iter().flat_map(credentials).collect();
        let expected: Vec<_> = expected.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        assert_eq!(sent, expected, "{headers:?}");
    }
    let rows = gateway.store.rows("aibridge_interceptions");
    assert!(rows.iter().all(|row| row["credential_hint"] == "own-...0123"), "{rows:?}");
}

#[tokio::test]
async fn a_custom_header_with_an_access_token_is_never_forwarded() {
    let vendor = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let settings = provider("openai", &vendor, "auth_header = \"X-Vendor\"");
    let gateway = Harness::start(&format!("{settings}\n[auth]\nmode = \"tokens\"")).await;
    let token = tokens_of(&gateway).create("ann", None).unwrap().1;
    let token = token.expose_secret();
    let headers = [("X-AIBridge-Token", token), ("X-Vendor", token)];
    let response = chat(&gateway, "openai", &headers, BODY).await;
    assert_eq!((response.status(), response.header("x-aibridge-error")), (401, Some("no_credential")));
    let response = chat(&gateway, "openai", &[("X-AIBridge-Token", token), ("X-Vendor", OWN)], BODY).await;
    assert_eq!(response.status(), 200);
    assert_eq!(credentials(&vendor.received()[0]), [("x-vendor", OWN.to_owned())]);
}
