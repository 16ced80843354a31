//! The log lines of the real binary, and the texts that it must never log.

use crate::harness::provider_settings;
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider, Store};
use serde_json::{Map, Value};

const POOL_KEY: &str = "sk-pool-secret-0123456789";
const OWN_KEY: &str = "sk-own-secret-0123456789";
const HEADER_SECRET: &str = "header-secret-0123456789";
const CREDENTIALS: [&str; 3] = [POOL_KEY, OWN_KEY, HEADER_SECRET];

/// Content of users, models and tools. It has a line break and a quote, which must not break a log line.
const REQUEST: &str =
    r#"{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"asked-words\n\"x\""}]}"#;
const PROMPT: &str = "asked-words\n\"x\"";
const EVENTS: [&str; 4] = [
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"answered-words\",\"reasoning_content\":\"thought-words\"}}]}\n\n",
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call-1\",\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"at\\\":\\\"tool-words\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
];
const RECORDED_WORDS: [&str; 3] = ["asked-words", "thought-words", "tool-words"];

/// The log and the store of a gateway that has exited.
struct Logged {
    log: String,
    store: Store,
    /// Keeps the directory of the store.
    _launch: Launch,
}

/// The log of a gateway with these settings after a request with a pool key and one with a BYOK key.
async fn run_and_log(settings: &str, configure: impl FnOnce(Launch) -> Launch) -> Logged {
    let provider = ScriptedProvider::start(|_| Script::sse(EVENTS.concat())).await;
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!(
        "{settings}\n{}extra_headers = {{ x-secret = \"{HEADER_SECRET}\" }}\n{}",
        provider_settings(&provider.base_url(), &[POOL_KEY]),
        provider_settings(&provider.base_url(), &[]).replace("type", "name = \"own\"\ntype"),
    ));
    let launch = configure(launch);
    let gateway = launch.start().await;
    let store = gateway.store();
    let bearer = format!("Bearer {OWN_KEY}");
    for path in ["/openai/v1/chat/completions", "/own/v1/chat/completions"] {
        let response =
            RawClient::post(gateway.address(), path, &[("Authorization", bearer.as_str())], REQUEST).await;
        assert_eq!(response.status(), 200, "{response:?}");
    }
    gateway.terminate();
    let output = gateway.wait_exit().await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(store.rows("aibridge_user_prompts").len(), 2);
    Logged { log: output.stderr, store, _launch: launch }
}

fn json_lines(log: &str) -> Vec<Map<String, Value>> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
    log.lines().map(parse).collect()
}

/// Checks that each line begins with time, level and target.
fn check_text_lines(log: &str) {
    for line in log.lines() {
        let mut words = line.split_whitespace();
        let time = words.next().and_then(|word| word.parse::<jiff::Timestamp>().ok());
        let level = words.next().filter(|word| ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(word));
        assert!(time.is_some() && level.is_some() && words.next().is_some(), "{line:?}");
    }
}

fn check_holds_none(log: &str, words: &[&str]) {
    for word in words {
        assert!(!log.contains(word), "{word} in {log}");
    }
}

#[tokio::test]
async fn text_logs_have_no_content_and_no_credentials() {
    let Logged { log, .. } = run_and_log("", |launch| launch.env("RUST_LOG", "trace")).await;
    check_text_lines(&log);
    let ended = log.lines().filter(|line| line.contains("interception ended"));
    assert_eq!(ended.filter(|line| line.contains("model=\"gpt-x\"")).count(), 2, "{}", log);
    check_holds_none(&log, &RECORDED_WORDS);
    check_holds_none(&log, &["answered-words", "interception log"]);
    check_holds_none(&log, &CREDENTIALS);
}

#[tokio::test]
async fn json_logs_have_no_content_and_no_credentials() {
    let by_flag = |launch: Launch| launch.arg("--log-format").arg("json").env("RUST_LOG", "trace");
    let Logged { log, store, _launch } = run_and_log("[log]\nformat = \"text\"", by_flag).await;
    let lines = json_lines(&log);
    let ended: Vec<_> = lines.iter().filter(|line| line["message"] == "interception ended").collect();
    let ids: Vec<&Value> = ended.iter().map(|line| &line["id"]).collect();
    let rows = store.rows("aibridge_interceptions");
    assert_eq!(ids, rows.iter().map(|row| &row["id"]).collect::<Vec<_>>());
    for line in ended {
        assert_eq!(
            (&line["level"], &line["status"], &line["input_tokens"]),
            (&"INFO".into(), &200.into(), &9.into())
        );
    }
    check_holds_none(&log, &RECORDED_WORDS);
    check_holds_none(&log, &["answered-words", "interception log"]);
    check_holds_none(&log, &CREDENTIALS);
}

#[tokio::test]
async fn every_response_has_one_log_line() {
    let unfinished = "data: {\"choices\":[]}\n\n";
    let provider = ScriptedProvider::start(move |request| match request.json()["model"].as_str() {
        Some("whole") => Script::json(200, r#"{"choices":[]}"#),
        Some("refused") => Script::json(400, r#"{"error":{}}"#),
        Some("streamed") => Script::sse(EVENTS.concat()),
        _ => Script::sse(unfinished),
    })
    .await;
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!(
        "[log]\nformat = \"json\"\n{}",
        provider_settings(&provider.base_url(), &[POOL_KEY])
    ));
    let gateway = launch.start().await;
    let requests = [("whole", false), ("refused", false), ("streamed", true), ("unfinished", true)];
    for (model, stream) in requests {
        let body = format!(r#"{{"model":"{model}","stream":{stream},"messages":[]}}"#);
        RawClient::post(gateway.address(), "/openai/v1/chat/completions", &[], &body).await;
    }
    gateway.terminate();
    let lines = json_lines(&gateway.wait_exit().await.stderr);
    let ended = lines.iter().filter(|line| line["message"] == "interception ended");
    let ended: Vec<_> = ended.map(|line| (&line["model"], &line["outcome"])).collect();
    let outcomes = ["completed", "failed", "completed", "failed"].map(Value::from);
    let expected = requests.map(|(model, _)| Value::from(model));
    assert_eq!(ended, expected.iter().zip(&outcomes).collect::<Vec<_>>());
}

/// The names and ids of calls are bounded by their number. The record shows that there were more, and so does the log.
#[tokio::test]
async fn tool_calls_that_are_not_recorded_cause_one_warning() {
    let calls: Vec<_> = (0..131_073)
        .map(|index| format!(r#"{{"index":{index},"id":"{index}","function":{{"name":"x"}}}}"#))
        .collect();
    let body = format!(r#"{{"choices":[{{"message":{{"tool_calls":[{}]}}}}]}}"#, calls.join(","));
    let provider = ScriptedProvider::start(move |_| Script::json(200, body.clone())).await;
    let settings = provider_settings(&provider.base_url(), &[POOL_KEY]);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
    let gateway = launch.start().await;
    for _ in 0..2 {
        RawClient::post(gateway.address(), "/openai/v1/chat/completions", &[], r#"{"model":"m"}"#).await;
    }
    let counts = "SELECT count(*) AS n, count(*) FILTER (WHERE metadata LIKE '%truncated%') AS marked FROM aibridge_tool_usages";
    let counts = &gateway.store().query(counts, &[])[0];
    assert_eq!((&counts["n"], &counts["marked"]), (&(2 * 131_072).into(), &2.into()));
    gateway.terminate();
    let log = gateway.wait_exit().await.stderr;
    assert_eq!(log.matches("more tool calls than are recorded").count(), 1, "{log}");
}

#[tokio::test]
async fn records_are_logged_if_configured() {
    // The filter applies to diagnostic lines only.
    let quiet = |launch: Launch| launch.env("RUST_LOG", "off");
    let Logged { log, store, _launch } =
        run_and_log("[log]\nformat = \"json\"\nrecords_to_log = true", quiet).await;
    let lines = json_lines(&log);
    assert!(lines.iter().all(|line| line["message"] == "interception log"), "{}", log);
    for row in store.rows("aibridge_interceptions") {
        let mine: Vec<_> = lines.iter().filter(|line| line["interception_id"] == row["id"]).collect();
        let types: Vec<&str> = mine.iter().filter_map(|line| line["record_type"].as_str()).collect();
        let order = [
            "interception_start",
            "user_prompt",
            "token_usage",
            "tool_usage",
            "model_thought",
            "interception_end",
        ];
        assert_eq!(types, order);
        assert_eq!(mine[0]["started_at"], row["started_at"]);
        assert_eq!((&mine[5]["outcome"], &mine[5]["ended_at"]), (&row["outcome"], &row["ended_at"]));
        let columns = [
            ("aibridge_user_prompts", "prompt"),
            ("aibridge_token_usages", "input_tokens"),
            ("aibridge_tool_usages", "input"),
            ("aibridge_model_thoughts", "content"),
        ];
        for ((table, column), line) in columns.iter().zip(&mine[1..]) {
            let rows = store.rows_of(table, row["id"].as_str().unwrap());
            assert_eq!((&line["id"], &line[*column]), (&rows[0]["id"], &rows[0][*column]), "{table}");
        }
        assert_eq!(mine[1]["prompt"], PROMPT);
    }
    check_holds_none(&log, &CREDENTIALS);
    check_holds_none(&log, &["answered-words"]);
}

#[tokio::test]
async fn text_records_are_one_line_each() {
    let Logged { log, .. } =
        run_and_log("[log]\nrecords_to_log = true", |launch| launch.env("RUST_LOG", "trace")).await;
    check_text_lines(&log);
    let prompts: Vec<&str> =
        log.lines().filter(|line| line.contains("record_type=\"user_prompt\"")).collect();
    assert_eq!(prompts.len(), 2, "{}", log);
    assert!(prompts.iter().all(|line| line.contains(r#"prompt="asked-words\n\"x\"""#)), "{prompts:?}");
    check_holds_none(&log, &CREDENTIALS);
}

#[tokio::test]
async fn an_unknown_format_is_refused() {
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).arg("--log-format").arg("xml");
    let output = launch.run().await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stderr.contains("--log-format: log.format: \"xml\" is unknown"), "{output:?}");
}

#[tokio::test]
async fn check_prints_the_operator_settings() {
    let settings = format!(
        "[admin]\nlisten = \"127.0.0.1:9090\"\n[telemetry]\nendpoint = \"http://localhost:4318\"\nprotocol = \"http\"\n\
         {}api_dump_dir = \"dumps\"\n[provider.circuit_breaker]\nfailure_threshold = 7\n",
        provider_settings("https://api.openai.com/v1", &[POOL_KEY]),
    );
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).arg("check");
    let output = launch.arg("--log-format").arg("json").run().await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for line in [
        "listen = \"127.0.0.1:9090\"",
        "max_models = 100",
        "endpoint = \"http://localhost:4318/\"",
        "protocol = \"http\"",
        "format = \"json\"",
        "records_to_log = false",
        "api_dump_dir = \"dumps\"",
        "failure_threshold = 7",
        "keys = [\"sk-p...6789\"]",
    ] {
        assert!(output.stdout.lines().any(|printed| printed == line), "{line} in {}", output.stdout);
    }
    check_holds_none(&output.stdout, &CREDENTIALS);
}
