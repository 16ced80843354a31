//! The OpenAPI document, compared with the real responses.

use super::{Served, ended, full, interception, on_each_database, on_sqlite};
use aibridge_api::document::Document;
use aibridge_recorder::{Interception, Outcome, Record};
use aibridge_testkit::{Gateway, Launch, RawClient, Script, ScriptedProvider};
use serde_json::{Value, json};
use std::time::Duration;
use utoipa::OpenApi;

/// Every path of the document that can be read.
pub(super) fn documented_paths() -> Vec<String> {
    let paths = Document::openapi().paths.paths.into_iter();
    paths.filter(|(_, item)| item.get.is_some()).map(|(path, _)| path).collect()
}

/// Sample values for every parameter. A new parameter must be added here.
fn sample(path: &str, name: &str) -> &'static [&'static str] {
    match name {
        "limit" if path.ends_with("/timeline") => &["1", "100"],
        "user" => &["ann", "nobody"],
        "model" => &["gpt-5"],
        "provider" => &["openai"],
        "client" => &["Codex"],
        "session" => &["session-1"],
        "outcome" => &["completed", "failed", "cancelled", "open"],
        "since" => &["1d", "2026-01-31T12:00:00Z"],
        "until" => &["0s", "2026-01-31"],
        "limit" => &["1", "1000"],
        "by" => &["user", "model", "client", "provider"],
        "interval" => &["hour", "day"],
        "time_zone" => &["Europe/Berlin", "Asia/Kathmandu"],
        "top" => &["1"],
        "last_prompt" => &["true", "false"],
        "text" => &["secret", "nothing%20like%20it"],
        "download" => &["false"],
        "after" => &[""],
        "wait" => &["0"],
        _ => panic!("no sample for {name:?}"),
    }
}

/// The OpenAPI document as a gateway serves it.
struct Documented(Value);

impl Documented {
    async fn by(served: &Served) -> Self {
        let document = served.get_ok("openapi.json").await;
        assert_eq!(document, json!(Document::openapi()));
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
        Self(document)
    }

    /// The schema of a response, resolved, and without unknown members allowed.
    fn schema(&self, path: &str, status: u16) -> Value {
        let documented = &self.0["paths"][path]["get"]["responses"][status.to_string()];
        let schema = &documented["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path} says nothing of {status}");
        self.without_unknown_members(schema, false)
    }

    fn without_unknown_members(&self, schema: &Value, is_part: bool) -> Value {
        if let Some(pointer) = schema["$ref"].as_str() {
            let target = self.0.pointer(pointer.trim_start_matches('#'));
            return self.without_unknown_members(target.unwrap_or_else(|| panic!("no {pointer}")), is_part);
        }
        let mut without_unknown_members = schema.clone();
        for (name, part) in without_unknown_members.as_object_mut().unwrap() {
            match (name.as_str(), part) {
                ("properties", Value::Object(properties)) => {
                    properties.values_mut().for_each(|one| *one = self.without_unknown_members(one, false));
                }
                ("allOf", Value::Array(parts)) => {
                    parts.iter_mut().for_each(|one| *one = self.without_unknown_members(one, true));
                }
                ("oneOf", Value::Array(parts)) => {
                    parts.iter_mut().for_each(|one| *one = self.without_unknown_members(one, false));
                }
                ("items" | "additionalProperties", values @ Value::Object(_)) => {
                    *values = self.without_unknown_members(values, false);
                }
                _ => {}
            }
        }
        let has_names = ["properties", "allOf"].iter().any(|name| schema.get(name).is_some());
        if has_names && !is_part {
            without_unknown_members["unevaluatedProperties"] = false.into();
        }
        without_unknown_members
    }

    fn check(&self, path: &str, status: u16, response: &Value) {
        let schema = self.schema(path, status);
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .unwrap();
        let problems: Vec<_> = validator
            .iter_errors(response)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{path} {status}: {problems:#?} in {response:#}");
    }
}

/// The ids of an interception and of its prompt.
struct Filled {
    id: String,
    prompt: String,
}

impl Filled {
    /// The target of `path`, below `/api/v1/`.
    fn target(&self, path: &str) -> String {
        let path = path.trim_start_matches("/api/v1/").replace("{kind}", "prompts");
        path.replace("{id}", &self.id).replace("{item}", &self.prompt)
    }
}

/// Records an interception of `user` with every field set.
async fn record_full(served: &Served, user: &str) -> Filled {
    let mut records = full(Duration::from_secs(60));
    let Record::Start(one) = &mut records[0] else { panic!("a start") };
    std::sync::Arc::make_mut(one).initiator_id = user.to_owned();
    let id = one.id.to_string();
    let Record::Prompt(prompt) = &records[1] else { panic!("a prompt") };
    let prompt = prompt.id.to_string();
    served.record(records).await;
    Filled { id, prompt }
}

/// Records rows with every field set, and rows with no optional field set.
async fn fill(served: &Served) -> Filled {
    let filled = record_full(served, "ann").await;
    for outcome in [Outcome::Completed, Outcome::Cancelled] {
        let one = Interception { initiator_id: "bob".to_owned(), ..interception(Duration::from_secs(30)) };
        let records = vec![ended(one.id, outcome), Record::Start(one.into())];
        served.record(records.into_iter().rev().collect()).await;
    }
    served.record(vec![Record::Start(interception(Duration::ZERO).into())]).await;
    filled
}

#[tokio::test]
async fn every_route_and_parameter_matches_the_document() {
    for served in on_each_database().await {
        let filled = fill(&served).await;
        let own = record_full(&served, "anonymous").await;
        let document = Documented::by(&served).await;
        for path in documented_paths() {
            let filled = if path.starts_with("/api/v1/me/") { &own } else { &filled };
            let target = filled.target(&path);
            document.check(&path, 200, &served.get_ok(&target).await);
            let parameters =
                document.0["paths"][&path]["get"]["parameters"].as_array().cloned().unwrap_or_default();
            for parameter in &parameters {
                let name = parameter["name"].as_str().unwrap();
                if name == "cursor" || parameter["in"] == "path" {
                    continue;
                }
                for value in sample(&path, name) {
                    let response = served.get_ok(&format!("{target}?{name}={value}")).await;
                    document.check(&path, 200, &response);
                    if let Some(cursor) = response["next_cursor"].as_str() {
                        let next = served.get_ok(&format!("{target}?{name}={value}&cursor={cursor}")).await;
                        document.check(&path, 200, &next);
                    }
                }
            }
            // The refusal of an unknown parameter lists the known ones, and all of these are documented.
            let refused = served.get(&format!("{target}?no-such=1")).await;
            assert_eq!(refused.status(), 400, "{path}");
            if path != "/api/v1/openapi.json" {
                document.check(&path, 400, &refused.json());
            }
            let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let names: Vec<_> = in_query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            let expected = if names.is_empty() { "no parameters".to_owned() } else { names.join(", ") };
            assert!(refused.text().contains(&expected), "{path}: {}", refused.text());
        }
        let unknown = served.get("interceptions/01890000-0000-7000-8000-000000000000").await;
        document.check("/api/v1/interceptions/{id}", 404, &unknown.json());
        let wrong = RawClient::post(served.gateway.address(), "/api/v1/usage", &[], "{}").await;
        document.check("/api/v1/usage", 405, &wrong.json());
    }
}

/// A gateway whose keys cool, each for another reason.
async fn cooling(provider: &ScriptedProvider) -> Gateway {
    let settings = crate::harness::provider_settings(&provider.base_url(), &crate::endpoints::KEYS);
    let gateway = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).start().await;
    let chat = crate::endpoints::CHAT;
    assert_eq!(RawClient::post(gateway.address(), chat.target, &[], chat.body).await.status(), 200);
    gateway
}

#[tokio::test]
async fn cooling_keys_match_the_document() {
    let provider = ScriptedProvider::start(|received| match received.header("authorization").unwrap() {
        key if key.contains("first") => Script::json(402, "{}"),
        key if key.contains("second") => Script::json(401, "{}"),
        _ if received.body.ends_with(b"\"n\"}") => Script::json(429, "{}"),
        _ => Script::json(200, crate::endpoints::CHAT.response),
    })
    .await;
    let gateway = cooling(&provider).await;
    let chat = crate::endpoints::CHAT;
    RawClient::post(gateway.address(), chat.target, &[], chat.body.replace("\"m\"", "\"n\"")).await;
    let document = Documented::by(&on_sqlite().await).await;
    let keys = RawClient::get(gateway.address(), "/api/v1/keys").await.json();
    let states: Vec<_> = keys["data"].as_array().unwrap().iter().map(|key| &key["reason"]).collect();
    assert_eq!(states, [&json!("quota"), &json!("rejected"), &Value::Null]);
    assert_eq!(keys["data"][2]["models"][0]["model"], "n");
    document.check("/api/v1/keys", 200, &keys);
}

#[tokio::test]
async fn the_document_check_detects_deviations() {
    let served = on_sqlite().await;
    fill(&served).await;
    let document = Documented::by(&served).await;
    let page = served.get_ok("interceptions").await;
    let changes: [fn(&mut Value); 5] = [
        |page| page["data"][0]["new"] = 1.into(),
        |page| drop(page["data"][0].as_object_mut().unwrap().remove("user_agent")),
        |page| page["data"][0]["started_at"] = "soon".into(),
        |page| page["data"][0]["input_tokens"] = "1".into(),
        |page| page["data"][0]["outcome"] = "fine".into(),
    ];
    for change in changes {
        let mut wrong = page.clone();
        change(&mut wrong);
        let checked = std::panic::catch_unwind(|| document.check("/api/v1/interceptions", 200, &wrong));
        assert!(checked.is_err(), "{wrong}");
    }
}
