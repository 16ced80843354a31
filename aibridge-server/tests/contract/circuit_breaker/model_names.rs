//! Circuits and model names that clients invent.

use super::{Behavior, Setup};
use aibridge_testkit::{RawClient, request};

#[tokio::test]
async fn invented_models_do_not_displace_the_circuits_of_used_models() {
    let setup = Setup::new().await;
    setup.set_behavior(Behavior::RespondsWith(500));
    let mut client = RawClient::connect(setup.gateway.address).await;
    let mut call = async |model: &str| {
        let body = format!(r#"{{"model":"{model}"}}"#);
        client.call(&request("POST", "/openai/v1/chat/completions", &[], body.as_bytes())).await.status()
    };
    for model in ["before", "before", "before"] {
        assert_eq!(call(model).await, 500);
    }
    for number in 0..1200 {
        assert_eq!(call(&format!("invented-{number}")).await, 500);
    }
    assert_eq!(call("before").await, 503, "an open circuit stays open");
    for model in ["after", "after", "after"] {
        assert_eq!(call(model).await, 500);
    }
    assert_eq!(call("after").await, 503, "a new failing model opens its circuit");
}
