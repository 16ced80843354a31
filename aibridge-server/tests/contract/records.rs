//! The commands that list, show, sum and export records, beside a running gateway.

use crate::endpoints::KEYS;
use crate::harness::provider_settings;
use aibridge_testkit::{
    Gateway, Launch, Postgres, ProcessOutput, RawClient, Script, ScriptedProvider, poll_until,
};
use serde_json::Value;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"finish_reason":"tool_calls",
    "message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",
    "function":{"name":"shell","arguments":"{\"a\":1}"}}]}}],"usage":{"prompt_tokens":12,"completion_tokens":3,
    "total_tokens":15,"prompt_tokens_details":{"cached_tokens":5}}}"#;

/// Records two interceptions that succeed, one of them with control characters and a formula, and one that fails.
async fn record_three() -> (ScriptedProvider, Gateway) {
    let provider = ScriptedProvider::start(|received| {
        let is_bad = String::from_utf8_lossy(&received.body).contains("gpt-bad");
        if is_bad { Script::json(400, r#"{"error":{}}"#) } else { Script::json(200, ANSWER) }
    })
    .await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1]);
    let gateway = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).start().await;
    for (model, prompt, status) in
        [("gpt-a", "first", 200), ("gpt-b", "a \\u001b[31m, \\\"b\\\"\\nc", 200), ("gpt-bad", "third", 400)]
    {
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"{prompt}"}}]}}"#);
        let response = RawClient::post(
            gateway.address(),
            "/openai/v1/chat/completions",
            &[("Content-Type", "application/json")],
            body.as_str(),
        )
        .await;
        assert_eq!(response.status(), status, "{model}");
    }
    (provider, gateway)
}

/// Runs `aibridge WORDS` on the store of `gateway`.
async fn aibridge(gateway: &Gateway, words: &[&str]) -> ProcessOutput {
    let store = format!("sqlite:{}", gateway.launch().store_path().display());
    let all = words.iter().copied().chain(["--store", store.as_str()]);
    all.fold(Launch::new(env!("CARGO_BIN_EXE_aibridge")), Launch::arg).run().await
}

async fn stdout_of(gateway: &Gateway, words: &[&str]) -> String {
    let ended = aibridge(gateway, words).await;
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{words:?}: {ended:?}");
    ended.stdout
}

async fn json(gateway: &Gateway, words: &[&str]) -> Vec<Value> {
    serde_json::from_str(&stdout_of(gateway, words).await).unwrap()
}

#[tokio::test]
async fn interceptions_are_listed_latest_first_and_filtered() {
    let (_provider, gateway) = record_three().await;
    let models = async |words: &[&str]| -> Vec<String> {
        let all: Vec<&str> = ["interceptions", "list", "--json"].iter().chain(words).copied().collect();
        let rows = json(&gateway, &all).await;
        rows.iter().map(|row| row["model"].as_str().unwrap().to_owned()).collect()
    };
    let table: [(&[&str], &[&str]); 13] = [
        (&[], &["gpt-bad", "gpt-b", "gpt-a"]),
        (&["--limit", "2"], &["gpt-bad", "gpt-b"]),
        (&["--model", "gpt-a"], &["gpt-a"]),
        (&["--outcome", "failed"], &["gpt-bad"]),
        (&["--outcome", "completed", "--user", "anonymous"], &["gpt-b", "gpt-a"]),
        (&["--outcome", "open"], &[]),
        (&["--user", "ann"], &[]),
        (&["--provider", "openai", "--client", "Unknown", "--limit", "1"], &["gpt-bad"]),
        (&["--session", "none"], &[]),
        (&["--since", "1h"], &["gpt-bad", "gpt-b", "gpt-a"]),
        (&["--until", "1h"], &[]),
        (&["--since", "2000-01-01", "--until", "2001-01-01T00:00:00Z"], &[]),
        (&["--since", "2000-01-01", "--model", "gpt-b"], &["gpt-b"]),
    ];
    for (words, expected) in table {
        assert_eq!(models(words).await, expected, "{words:?}");
    }
    let text = stdout_of(&gateway, &["interceptions", "list"]).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("ID ") && lines[1].contains("invalid_request"), "{text}");
}

#[tokio::test]
async fn an_interception_is_shown_completely_without_control_characters() {
    let (_provider, gateway) = record_three().await;
    let rows = json(&gateway, &["interceptions", "list", "--json", "--model", "gpt-b"]).await;
    let id = rows[0]["id"].as_str().unwrap();

    let text = stdout_of(&gateway, &["interceptions", "show", id]).await;
    assert!(text.contains("a \\u{1b}[31m, \"b\"\n    c") && text.contains("tool shell"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");

    let whole: Value =
        serde_json::from_str(&stdout_of(&gateway, &["interceptions", "show", id, "--json"]).await).unwrap();
    assert_eq!(whole["user_prompts"][0]["prompt"], "a \u{1b}[31m, \"b\"\nc");
    assert_eq!(whole["token_usages"][0]["cache_read_input_tokens"], 5);
    assert_eq!(whole["tool_usages"][0]["input"], r#"{"a":1}"#);

    let nobody = "01890000-0000-7000-8000-000000000000";
    let ended = aibridge(&gateway, &["interceptions", "show", nobody]).await;
    assert!(ended.status.code() == Some(1) && ended.stderr.contains(nobody), "{ended:?}");
}

#[tokio::test]
async fn usage_is_summed() {
    let (_provider, gateway) = record_three().await;
    let rows = json(&gateway, &["usage", "--by", "user,provider", "--json"]).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let expected = [("requests", 3), ("failed", 1), ("input_tokens", 14), ("cache_read_input_tokens", 10)];
    for (name, number) in expected.into_iter().chain([("output_tokens", 6), ("cache_write_input_tokens", 0)])
    {
        assert_eq!(rows[0][name], number, "{name}");
    }
    assert_eq!((&rows[0]["user"], &rows[0]["provider"]), (&"anonymous".into(), &"openai".into()));
    assert_eq!(json(&gateway, &["usage", "--by", "model", "--json"]).await.len(), 3);
    let text = stdout_of(&gateway, &["usage", "--by", "day,client", "--outcome", "completed"]).await;
    assert!(text.starts_with("DAY ") && text.lines().count() == 2, "{text}");
    assert_eq!(json(&gateway, &["sessions", "--json"]).await.len(), 0, "no client named a session");

    let ended = aibridge(&gateway, &["usage", "--by", "weather"]).await;
    assert!(ended.status.code() == Some(2) && ended.stderr.contains("user, model"), "{ended:?}");
}

#[tokio::test]
async fn every_record_is_exported_oldest_first() {
    let (_provider, gateway) = record_three().await;
    let text = stdout_of(&gateway, &["export", "--format", "jsonl"]).await;
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let models: Vec<_> = rows.iter().map(|row| row["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["gpt-a", "gpt-b", "gpt-bad"]);
    assert_eq!(rows[0]["user_prompts"][0]["prompt"], "first");

    let text = stdout_of(&gateway, &["export", "--format", "csv"]).await;
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let at = |name: &str, names: &csv::StringRecord| names.iter().position(|it| it == name).unwrap();
    let names = csv.headers().unwrap().clone();
    let records: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 3);
    let prompts: Value = serde_json::from_str(&records[1][at("user_prompts", &names)]).unwrap();
    assert_eq!(prompts, rows[1]["user_prompts"]);
    assert_eq!(
        (&records[1][at("input_tokens", &names)], &records[2][at("error_type", &names)]),
        ("7", "invalid_request")
    );
}

#[tokio::test]
async fn a_parquet_export_equals_the_other_formats() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let (_provider, gateway) = record_three().await;
    let file = gateway.launch().dir().join("out.parquet");
    stdout_of(&gateway, &["export", "--format", "parquet", "--output", file.to_str().unwrap()]).await;
    assert!(!file.with_extension("parquet.part").exists());

    let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
    let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(rows.len(), 3);
    let holds = |row: &String, text: &str| assert!(row.contains(text), "{text} in {row}");
    holds(&rows[0], "model: \"gpt-a\"");
    holds(&rows[1], "input_tokens: 7");
    holds(&rows[1], "client_session_id: null");
    holds(&rows[2], "error_type: \"invalid_request\"");
}

#[tokio::test]
async fn a_device_file_is_written_and_not_replaced() {
    let (_provider, gateway) = record_three().await;
    let device = gateway.launch().dir().join("device");
    std::os::unix::fs::symlink("/dev/full", &device).unwrap();
    let ended =
        aibridge(&gateway, &["export", "--format", "csv", "--output", device.to_str().unwrap()]).await;
    assert!(ended.status.code() == Some(1) && ended.stderr.contains("No space left"), "{ended:?}");
    assert!(device.is_symlink() && !device.with_extension("part").exists());
}

#[tokio::test]
async fn the_commands_read_postgres() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(|_| Script::json(200, ANSWER)).await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1]);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).store(server.url());
    let gateway = launch.start().await;
    let body = r#"{"model":"gpt-a","messages":[{"role":"user","content":"first"}]}"#;
    let headers = [("Content-Type", "application/json")];
    let response = RawClient::post(gateway.address(), "/openai/v1/chat/completions", &headers, body).await;
    assert_eq!(response.status(), 200);
    // The commands have settings without the journal of the gateway, so they do not wait for it.
    poll_until(async || server.rows("aibridge_token_usages").await.len() == 1, "the records to be stored")
        .await;

    let table: [(&[&str], &str); 4] = [
        (&["interceptions", "list", "--json"], r#""model": "gpt-a""#),
        (&["usage", "--json"], r#""cache_read_input_tokens": 5"#),
        (&["sessions", "--json"], "[]"),
        (&["export", "--format", "jsonl"], r#""prompt":"first""#),
    ];
    for (words, expected) in table {
        let store = ["--store".to_owned(), server.url()];
        let all = words.iter().map(|word| (*word).to_owned()).chain(store);
        let ended = all.fold(Launch::new(env!("CARGO_BIN_EXE_aibridge")), Launch::arg).run().await;
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{words:?}: {ended:?}");
        assert!(ended.stdout.contains(expected), "{words:?}: {ended:?}");
    }
}

#[tokio::test]
async fn a_missing_store_is_not_created() {
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge"));
    let ended = launch.clone().arg("usage").arg("--store").arg("sqlite:none.db").run().await;
    assert!(ended.status.code() == Some(1) && ended.stderr.contains("none.db"), "{ended:?}");
    assert!(!launch.dir().join("none.db").exists());
}
