//! The counters of requests that limits refuse.

use super::Scraped;
use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Gate, RawClient, Script, ScriptedProvider, Step, poll_until};

#[tokio::test]
async fn refusals_are_counted_by_limit() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let provider = ScriptedProvider::start(move |request| match request.json()["stream"] == true {
        true => Script::sse_head().then(Step::Await(waiting.clone())),
        false => Dialect::respond_to(request),
    })
    .await;
    let limits = "[limits]\nmax_concurrent_requests = 1\nrequests_per_minute = 3\ntokens_per_minute = 11\n";
    let gateway =
        Harness::start(&format!("{limits}{}", provider_settings(&provider.base_url(), &[KEY]))).await;
    let call = async || RawClient::post(gateway.address, CHAT.target, &[], CHAT.blocking).await.status();
    let pass =
        async || RawClient::post(gateway.address, "/openai/v1/conversations", &[], "{}").await.status();
    let series = |limit: &str| format!("aibridge_limited_requests_total{{limit=\"{limit}\"}}");

    let open_request = CHAT.send(gateway.address, true).await;
    gate.wait_reached(1).await;
    assert_eq!([call().await, call().await], [503, 503]);
    gate.open();
    drop(open_request);
    poll_until(async || call().await == 200, "a free permit").await;
    assert_eq!(call().await, 429, "no token is left");
    assert_eq!([pass().await, pass().await], [200, 429], "nor a request");
    let scraped = Scraped::of(&gateway).await;
    scraped.check(&[(&series("tokens"), 1.0), (&series("requests"), 1.0)]);
    assert!(scraped.value(&series("concurrency")) >= 2.0);
    assert_eq!(scraped.series("aibridge_limited_requests_total").len(), 3);
}
