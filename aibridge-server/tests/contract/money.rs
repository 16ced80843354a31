//! Costs of responses, and budgets.

mod endings;
mod further_routes;
mod recompute;
mod replicas;
mod restarts;
mod windows;

use crate::auth::tokens_of;
use crate::dialects::KEY;
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Gate, RawClient, Response, Row, Script, ScriptedProvider, Step, request, wait_for};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const CHAT: &str = "/openai/v1/chat/completions";
const MESSAGES: &str = "/anthropic/v1/messages";
const BODY: &str = r#"{"model":"gpt-4.1","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"gpt-4.1","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const CLAUDE: &str =
    r#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;

/// A chat completion that costs as many dollars as `dollars`: a dollar is 500,000 tokens of input.
fn completion(dollars: u64) -> String {
    let tokens = dollars * 500_000;
    format!(
        r#"{{"id":"c1","object":"chat.completion","model":"gpt-4.1-2025-04-14","choices":[{{"index":0,"finish_reason":"stop","message":{{"role":"assistant","content":"x"}}}}],"usage":{{"prompt_tokens":{tokens},"completion_tokens":0,"total_tokens":{tokens}}}}}"#
    )
}

/// A provider whose chat completions and messages cost a dollar each.
async fn dollar_provider() -> ScriptedProvider {
    let message = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1000000,"output_tokens":0}}"#;
    ScriptedProvider::start(move |request| match request.target.contains("messages") {
        true if request.target.contains("count_tokens") => Script::json(200, r#"{"input_tokens":3}"#),
        true => Script::json(200, message),
        false if request.method == "GET" => Script::json(200, r#"{"data":[]}"#),
        false => Script::json(200, completion(1)),
    })
    .await
}

fn settings(budgets: &str, provider: &ScriptedProvider) -> String {
    let anthropic = format!(
        "[[provider]]\ntype = \"anthropic\"\nbase_url = \"{}\"\nkeys = [\"{KEY}\"]\n",
        provider.base_url().trim_end_matches("v1/").trim_end_matches("/v1")
    );
    format!("{budgets}\n{}{anthropic}", provider_settings(&provider.base_url(), &[KEY]))
}

fn usage(gateway: &Harness) -> Row {
    gateway.store.rows("aibridge_token_usages").pop().expect("a usage")
}

async fn ended(gateway: &Harness) -> Row {
    let row =
        || gateway.store.rows("aibridge_interceptions").into_iter().find(|row| row["ended_at"].is_string());
    wait_for(row, "the interception to end").await
}

#[tokio::test]
async fn the_cost_is_stored_with_the_usage() {
    let provider = dollar_provider().await;
    let gateway = Harness::start(&settings("", &provider)).await;
    assert_eq!(RawClient::post(gateway.address, CHAT, &[], BODY).await.status(), 200);
    let row = usage(&gateway);
    assert_eq!((&row["cost_nano_usd"], &row["cost_status"]), (&json!(1_000_000_000), &json!("priced")));
    assert_eq!(row["price_id"], "genai-prices-0.2.1:openai/gpt-4.1");
    assert_eq!(
        (&row["estimated_input_tokens"], &row["estimated_output_tokens"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(RawClient::post(gateway.address, MESSAGES, &[], CLAUDE).await.status(), 200);
    assert_eq!(usage(&gateway)["cost_nano_usd"], 1_000_000_000);
    let metrics = RawClient::get(gateway.address, "/metrics").await;
    let series = r#"aibridge_cost_nano_usd_total{model="gpt-4.1",provider="openai"} 1000000000"#;
    assert!(metrics.text().contains(series), "{}", metrics.text());
}

#[tokio::test]
async fn a_broken_stream_is_charged_an_estimate() {
    let first = r#"{"id":"c1","model":"gpt-4.1","choices":[{"index":0,"delta":{"content":"12345678"}}]}"#;
    let script = move |_: &_| Script::sse_head().chunk(format!("data: {first}\n\n")).then(Step::Stall);
    let provider = ScriptedProvider::start(move |request| script(request)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    client.head().await;
    client.read_until("12345678").await;
    drop(client);
    assert_eq!(ended(&gateway).await["outcome"], "cancelled");
    let row = usage(&gateway);
    let input = (STREAM.len() as i64 + 3) / 4;
    assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(0), &json!(0)));
    let estimated = (&row["estimated_input_tokens"], &row["estimated_output_tokens"]);
    assert_eq!(estimated, (&json!(input), &json!(2)));
    assert_eq!(
        (&row["cost_nano_usd"], &row["cost_status"]),
        (&json!(2_000 * input + 16_000), &json!("estimated"))
    );
}

#[tokio::test]
async fn a_drained_stream_has_its_true_usage() {
    let gate = Gate::new();
    let first = r#"{"id":"c1","model":"gpt-4.1","choices":[{"index":0,"delta":{"content":"12345678"}}]}"#;
    let rest = "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\ndata: [DONE]\n\n";
    let opened = gate.clone();
    let provider =
        ScriptedProvider::start(move |_| Script::held_stream(format!("data: {first}\n\n"), &opened, rest))
            .await;
    let drained = provider_settings(&provider.base_url(), &[KEY]) + "drain_on_disconnect = \"60s\"\n";
    let gateway = Harness::start(&drained).await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    client.head().await;
    client.read_until("12345678").await;
    gate.wait_reached(1).await;
    drop(client);
    let connections = async || {
        let metrics = RawClient::get(gateway.address, "/metrics").await;
        metrics.text().lines().find_map(|line| line.strip_prefix("aibridge_open_connections ")?.parse().ok())
    };
    while connections().await != Some(1_u32) {
        tokio::task::yield_now().await;
    }
    gate.open();
    assert_eq!(ended(&gateway).await["outcome"], "cancelled");
    let row = usage(&gateway);
    assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&json!(7), &json!(5)));
    assert_eq!((&row["cost_status"], &row["estimated_input_tokens"]), (&json!("priced"), &Value::Null));
}

/// Checks the refusal of a budget of one dollar a month, and returns its body.
fn assert_refused(response: &Response, kind: &str) -> Value {
    assert_eq!((response.status(), response.header("x-aibridge-error")), (429, Some("budget_exceeded")));
    assert_eq!(response.header("x-should-retry"), Some("false"));
    assert!(response.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(response.header("x-aibridge-interception-id"), None);
    let body = response.json();
    assert_eq!(body["error"]["type"], kind);
    assert_eq!(
        (&body["error"]["budget"]["limit_usd"], &body["error"]["budget"]["spent_usd"]),
        (&json!(1.0), &json!(1.0))
    );
    assert_eq!(
        (&body["error"]["budget"]["scope"], &body["error"]["budget"]["period"]),
        (&json!("user"), &json!("month"))
    );
    body
}

const DOLLAR: &str = "[[budget]]\nscope = \"user\"\namount = \"1 USD\"\n";

#[tokio::test]
async fn a_request_over_budget_is_refused_in_the_format_of_each_api() {
    let provider = dollar_provider().await;
    let gateway = Harness::start(&settings(DOLLAR, &provider)).await;
    assert_eq!(RawClient::post(gateway.address, CHAT, &[], BODY).await.status(), 200, "nothing was spent");
    let calls = provider.received().len();
    let body = assert_refused(&RawClient::post(gateway.address, CHAT, &[], BODY).await, "insufficient_quota");
    assert_eq!(body["error"]["code"], "insufficient_quota");
    let message = body["error"]["message"].as_str().unwrap();
    for part in ["user", "$1.00", "month", "resets at"] {
        assert!(message.contains(part), "{message}");
    }
    assert_refused(&RawClient::post(gateway.address, MESSAGES, &[], CLAUDE).await, "billing_error");
    assert_eq!(provider.received().len(), calls, "a refused request is not sent");
    assert_eq!(gateway.store.rows("aibridge_interceptions").len(), 1, "nor recorded");
    // Counting and listing are free.
    let count = "/anthropic/v1/messages/count_tokens";
    assert_eq!(RawClient::post(gateway.address, count, &[], CLAUDE).await.status(), 200);
    assert_eq!(RawClient::get(gateway.address, "/openai/v1/models").await.status(), 200);
    let metrics = RawClient::get(gateway.address, "/metrics").await;
    assert!(metrics.text().contains(r#"aibridge_limited_requests_total{limit="budget"} 2"#));
    assert!(metrics.text().contains(r#"aibridge_budget_warnings_total{percent="95",scope="user"} 1"#));
}

#[tokio::test]
async fn codex_can_read_a_refusal_as_400() {
    let provider = dollar_provider().await;
    let readable = format!("[budgets]\nreadable_refusals = true\n{DOLLAR}");
    let gateway = Harness::start(&settings(&readable, &provider)).await;
    RawClient::post(gateway.address, CHAT, &[], BODY).await;
    let response = RawClient::post(gateway.address, CHAT, &[], BODY).await;
    assert_eq!((response.status(), response.header("x-aibridge-error")), (400, Some("budget_exceeded")));
    assert_eq!(response.json()["error"]["code"], "budget_exceeded");
}

#[tokio::test]
async fn a_blocked_scope_is_refused_unread() {
    let provider = dollar_provider().await;
    let blocked = "[[budget]]\nscope = \"everyone\"\namount = \"0 USD\"\n";
    let gateway = Harness::start(&settings(blocked, &provider)).await;
    let mut client = RawClient::connect(gateway.address).await;
    client
        .send(format!("POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n").as_bytes())
        .await;
    assert_eq!(client.head().await.status, 429);
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_if_the_settings_say_so() {
    let provider = dollar_provider().await;
    let body = r#"{"model":"mystery","messages":[]}"#;
    for (setting, status) in [("allow", 200), ("refuse", 400)] {
        let gateway =
            Harness::start(&settings(&format!("[budgets]\nunpriced = \"{setting}\""), &provider)).await;
        assert_eq!(RawClient::post(gateway.address, CHAT, &[], body).await.status(), status, "{setting}");
    }
}

#[tokio::test]
async fn a_group_shares_its_budget_and_each_user_reads_only_own_spending() {
    let provider = dollar_provider().await;
    let budgets = "[auth]\nmode = \"tokens\"\n[[budget]]\nscope = \"group\"\nmatch = \"eng\"\namount = \"1 USD\"\nshared = true\n";
    let gateway = Harness::start(&settings(budgets, &provider)).await;
    let tokens = tokens_of(&gateway);
    let member = |user: &str, groups: &[&str], admin| {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        tokens.create_member(user, &groups, None, admin).unwrap().1.expose_secret().to_owned()
    };
    let (ann, bob) = (member("ann", &["eng"], false), member("bob", &["eng", "ops"], true));
    let (eve, address) = (member("eve", &[], false), gateway.address);
    let post =
        async |token: &str| RawClient::post(address, CHAT, &[("X-Api-Key", token)], BODY).await.status();
    assert_eq!(post(&ann).await, 200);
    assert_eq!(post(&bob).await, 429, "the group shares its budget");
    assert_eq!(post(&eve).await, 200);
    let get = async |path: &str, token: &str| {
        let mut client = RawClient::connect(address).await;
        let bearer = format!("Bearer {token}");
        client.call(&request("GET", path, &[("Authorization", &bearer)], b"")).await
    };
    assert_eq!(get("/api/v1/budgets", &ann).await.status(), 403);
    let budgets = get("/api/v1/budgets", &bob).await.json();
    assert_eq!(budgets["data"][0]["name"], "eng");
    assert_eq!(
        (&budgets["data"][0]["spent_usd"], &budgets["data"][0]["remaining_usd"]),
        (&json!(1.0), &json!(0.0))
    );
    let me = get("/api/v1/me", &bob).await.json();
    assert_eq!((&me["user"], &me["spend"][2]["spent_usd"]), (&json!("bob"), &json!(0.0)));
    assert_eq!((&me["budgets"][0]["scope"], &me["refusals"][0]["scope"]), (&json!("group"), &json!("group")));
    let me = get("/api/v1/me", &eve).await.json();
    assert_eq!(
        (&me["spend"][2]["spent_nano_usd"], &me["budgets"], &me["refusals"]),
        (&json!(1_000_000_000), &json!([]), &json!([]))
    );
}

#[tokio::test]
async fn concurrent_requests_overspend_by_those_in_flight_at_most() {
    let gate = Gate::new();
    let opened = gate.clone();
    let provider =
        ScriptedProvider::start(move |_| Script::json(200, completion(1)).wait_after(0, &opened)).await;
    let gateway = Harness::start(&settings(DOLLAR, &provider)).await;
    let address = gateway.address;
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(async move { RawClient::post(address, CHAT, &[], BODY).await.status() }))
        .collect();
    gate.wait_reached(1).await;
    gate.open();
    let mut admitted = 0;
    for call in calls {
        admitted += i64::from(call.await.unwrap() == 200);
    }
    // Each request has reserved the estimated cost of its input. The rest of its cost is the excess.
    let budgets = RawClient::get(address, "/api/v1/budgets").await.json();
    assert_eq!(budgets["data"][0]["spent_nano_usd"], admitted * 1_000_000_000);
    assert_eq!(budgets["data"][0]["reserved_nano_usd"], 0);
    assert_eq!(RawClient::post(address, CHAT, &[], BODY).await.status(), 429);
}
