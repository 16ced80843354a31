//! Clients name models as they like.

use super::{Bench, Does};
use aibridge_testkit::{RawClient, request};

#[tokio::test]
async fn failing_models_that_nobody_uses_do_not_keep_the_breaker_from_those_that_people_use() {
    let bench = Bench::new().await;
    bench.provider_does(Does::Answers(500));
    let mut client = RawClient::connect(bench.gateway.address).await;
    let mut ask = async |model: &str| {
        let body = format!(r#"{{"model":"{model}"}}"#);
        client.ask(&request("POST", "/openai/v1/chat/completions", &[], body.as_bytes())).await.status()
    };
    for model in ["before", "before", "before"] {
        assert_eq!(ask(model).await, 500);
    }
    for number in 0..1200 {
        assert_eq!(ask(&format!("invented-{number}")).await, 500);
    }
    assert_eq!(ask("before").await, 503, "what was open stays open");
    for model in ["after", "after", "after"] {
        assert_eq!(ask(model).await, 500);
    }
    assert_eq!(ask("after").await, 503, "what fails now opens");
}
