//! Ownership is shared between gateways on one PostgreSQL database.

use super::{RESPONSES, User, assert_not_found, respond};
use crate::endpoints::KEYS;
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, Postgres, ScriptedProvider};

#[tokio::test]
async fn a_replica_enforces_owners_recorded_by_another() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(respond).await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1]);
    let launch = || {
        Launch::new(env!("CARGO_BIN_EXE_aibridge"))
            .config(format!("[auth]\nmode = \"tokens\"\n{settings}"))
            .store(server.url())
    };
    let (one, other) = (launch().start().await, launch().start().await);
    let token = async |user: &str| {
        let command =
            launch().arg("token").arg("create").arg("--user").arg(user).arg("--store").arg(server.url());
        let created = command.run().await;
        let words: Vec<&str> = created.stdout.split_whitespace().collect();
        words
            .iter()
            .find(|word| word.starts_with("aib_"))
            .unwrap_or_else(|| panic!("{created:?}"))
            .to_string()
    };
    let (ann, bob) = (token("ann").await, token("bob").await);
    let user = |token: &String, gateway: &aibridge_testkit::Gateway| User {
        address: gateway.address(),
        token: token.clone(),
    };
    user(&ann, &one).respond("1", true).await;
    let made = user(&ann, &one).call("POST", "/openai/v1/conversations", "{}").await;
    assert_eq!(made.status(), 200);
    for gateway in [&one, &other] {
        let (ann, bob) = (user(&ann, gateway), user(&bob, gateway));
        let target = format!("{RESPONSES}/resp_1");
        assert_not_found(&bob.call("GET", &target, "").await, "Response with id 'resp_1' not found.");
        assert_eq!(ann.call("GET", &target, "").await.status(), 200);
        let body = r#"{"model":"m","conversation":"conv_x"}"#;
        assert_not_found(
            &bob.call("POST", RESPONSES, body).await,
            "Conversation with id 'conv_x' not found.",
        );
    }
}
