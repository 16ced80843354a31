//! Ownership checks while the store is unavailable.

use super::{RESPONSES, User, gateway, respond};
use aibridge_testkit::ScriptedProvider;

#[tokio::test]
async fn a_request_is_refused_if_the_owner_cannot_be_read() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    ann.respond("1", false).await;
    rusqlite::Connection::open(gateway.store.path())
        .unwrap()
        .execute_batch("ALTER TABLE aibridge_object_owners RENAME TO gone")
        .unwrap();
    let before = provider.received().len();
    let body = r#"{"model":"m","previous_response_id":"resp_2"}"#;
    for (method, target, body) in [("GET", "/openai/v1/responses/resp_2", ""), ("POST", RESPONSES, body)] {
        let refused = bob.call(method, target, body).await;
        assert_eq!(
            (refused.status(), refused.header("x-aibridge-error")),
            (503, Some("recorder_unavailable"))
        );
    }
    assert_eq!(provider.received().len(), before, "nothing reaches the provider");
    // The gateway has recent owners in memory and does not need the store for them.
    let target = format!("{RESPONSES}/resp_1");
    assert_eq!(ann.call("GET", &target, "").await.status(), 200);
    assert_eq!(bob.call("GET", &target, "").await.status(), 404);
}
