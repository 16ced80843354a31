//! No output, log, file or response has a secret after runs that used all of them.

use crate::dialects::{CHAT, Dialect, RESPONSES};
use crate::harness::provider_settings;
use aibridge_testkit::{
    Launch, ProcessOutput, RawClient, Script, ScriptedProvider, Step, request, wait_until,
};
use std::net::SocketAddr;
use std::path::Path;

const REJECTED: &str = "sk-rejected-secret-0123456789";
const LIMITED: &str = "sk-limited-secret-0123456789";
const GOOD: &str = "sk-good-secret-0123456789";
const UNREACHED: &str = "sk-unreached-secret-0123456789";
const OWN: &str = "sk-own-secret-0123456789";
const OWN_REJECTED: &str = "sk-own-rejected-secret-0123456789";
const HEADER: &str = "header-secret-0123456789";
const COOKIE: &str = "cookie-secret-0123456789";
const OTHER_KEY: &str = "other-key-secret-0123456789";
const SET_COOKIE: &str = "set-cookie-secret-0123456789";
const PROXY: &str = "proxy-secret-0123456789";
const WRONG_TOKEN: &str = "aib_wrong-secret-0123456789";

const SECRETS: [&str; 12] = [
    REJECTED,
    LIMITED,
    GOOD,
    UNREACHED,
    OWN,
    OWN_REJECTED,
    HEADER,
    COOKIE,
    OTHER_KEY,
    SET_COOKIE,
    PROXY,
    WRONG_TOKEN,
];

fn launch(settings: String) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_aibridge"))
        .config(settings)
        .env("RUST_LOG", "trace")
        .env("HTTPS_PROXY", format!("http://user:{PROXY}@127.0.0.1:9"))
        .env("UNREACHED_KEY", UNREACHED)
}

/// Runs a command beside the gateway, with the same settings and the same store.
async fn command(launch: &Launch, words: &[&str]) -> ProcessOutput {
    let store = format!("sqlite:{}", launch.store_path().display());
    let config = launch.config_path().display().to_string();
    let flags = ["--config", &config, "--store", &store];
    words.iter().chain(&flags).fold(launch.clone(), |launch, word| launch.arg(*word)).run().await
}

/// Checks that `content` has none of `secrets`.
fn check<'a>(place: &str, content: &[u8], secrets: impl IntoIterator<Item = &'a str>) {
    for secret in secrets {
        let position = content.windows(secret.len()).position(|window| window == secret.as_bytes());
        let around = position.map(|at| String::from_utf8_lossy(&content[at.saturating_sub(200)..at]));
        assert_eq!(around, None, "{secret} is in {place}");
    }
}

async fn provider() -> ScriptedProvider {
    ScriptedProvider::start(|request| {
        let refusal = |status| Script::json(status, format!("{{\"error\":{{\"code\":{status}}}}}"));
        match request.bearer() {
            Some(REJECTED | OWN_REJECTED) => refusal(401),
            Some(LIMITED) => refusal(429),
            _ if request.header("x-break") == Some("head") => Script::new().then(Step::Reset),
            _ if request.header("x-break") == Some("stream") => {
                Script::sse_head().chunk(CHAT.events[0]).then(Step::Close)
            }
            _ if request.method == "GET" => Script::json(200, "{}"),
            _ => Dialect::respond_to(request)
                .header("Set-Cookie", SET_COOKIE)
                .header("OpenAI-Organization", "org"),
        }
    })
    .await
}

/// Settings with a working provider, one with rejected keys, one that is unreachable, and one without keys.
async fn settings(base_url: &str) -> String {
    let named = |name: &str, settings: String| settings.replace("type", &format!("name = \"{name}\"\ntype"));
    let unreachable = ScriptedProvider::unreachable_base_url().await;
    [
        "[auth]\nmode = \"tokens\"\n".to_owned(),
        provider_settings(base_url, &[REJECTED, LIMITED, GOOD]),
        format!("extra_headers = {{ x-secret = \"{HEADER}\" }}\nsend_actor_headers = true\n"),
        named("bad", provider_settings(base_url, &[REJECTED, LIMITED])),
        named("gone", provider_settings(&unreachable, &["env:UNREACHED_KEY"])),
        named("own", provider_settings(base_url, &[])),
    ]
    .join("\n")
}

/// Sends every kind of request that uses a secret, and returns the responses.
async fn use_all(gateway: SocketAddr, token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let by_token = [("Authorization", bearer.as_str()), ("Cookie", COOKIE), ("Api-Key", OTHER_KEY)];
    let with = |name, value| [&by_token[..], &[(name, value)]].concat();
    let own = |key| vec![("X-AIBridge-Token", token), ("Authorization", key)];
    let wrong = format!("Bearer {WRONG_TOKEN}");
    let (own_good, own_bad) = (format!("Bearer {OWN}"), format!("Bearer {OWN_REJECTED}"));
    let pasted = CHAT.blocking.replacen("\"m\"", &format!("{token:?}"), 1);
    let mut responses = Vec::new();
    for (status, method, target, headers, body) in [
        (200, "POST", CHAT.target, by_token.to_vec(), CHAT.stream),
        (200, "POST", RESPONSES.target, vec![("X-Api-Key", token)], RESPONSES.blocking),
        (200, "GET", "/openai/v1/models", by_token.to_vec(), ""),
        (200, "POST", CHAT.target, with("X-Break", "stream"), CHAT.stream),
        (502, "POST", CHAT.target, with("X-Break", "head"), CHAT.blocking),
        (200, "POST", CHAT.target, own(&own_good), CHAT.blocking),
        (401, "POST", CHAT.target, own(&own_bad), CHAT.stream),
        (200, "POST", "/own/v1/responses", own(&own_good), RESPONSES.stream),
        (401, "POST", "/own/v1/responses", own("Basic b3RoZXI="), RESPONSES.stream),
        (429, "POST", "/bad/v1/chat/completions", by_token.to_vec(), CHAT.stream),
        (502, "POST", "/gone/v1/chat/completions", by_token.to_vec(), CHAT.stream),
        (502, "GET", "/gone/v1/models", by_token.to_vec(), ""),
        (401, "POST", CHAT.target, vec![("Authorization", &wrong)], CHAT.stream),
        (401, "POST", CHAT.target, vec![("X-AIBridge-Token", WRONG_TOKEN)], CHAT.stream),
        (400, "POST", CHAT.target, by_token.to_vec(), "{"),
        (400, "POST", CHAT.target, by_token.to_vec(), &pasted),
        (429, "POST", "/bad/v1/responses/input_tokens", by_token.to_vec(), &pasted),
        (404, "POST", "/nowhere", by_token.to_vec(), "{}"),
    ] {
        let mut client = RawClient::connect(gateway).await;
        let response = client.call(&request(method, target, &headers, body.as_bytes())).await;
        assert_eq!(response.status(), status, "{method} {target} {headers:?}: {}", response.text());
        responses.extend_from_slice(&[&response.head.raw[..], &response.body].concat());
    }
    responses
}

#[tokio::test]
async fn no_output_has_a_secret_after_a_run_that_used_all_of_them() {
    let provider = provider().await;
    let launch = launch(settings(&provider.base_url()).await);
    let gateway = launch.start().await;
    let created = command(&launch, &["token", "create", "--user", "ann"]).await;
    let token = created.stdout.lines().next().unwrap().to_owned();
    assert!(token.starts_with("aib_"), "{created:?}");

    let responses = use_all(gateway.address(), &token).await;
    wait_until(|| gateway.stderr().matches("interception ended").count() == 9, "the log to be written").await;
    let checked = command(&launch, &["check"]).await;
    let listed = command(&launch, &["token", "list"]).await;
    assert!(checked.status.success() && listed.stdout.contains("ann"), "{checked:?} {listed:?}");
    gateway.terminate();
    let killed = launch.start().await; // a start on a store that was in use
    let also = use_all(killed.address(), &token).await;
    let (ended, killed) = (gateway.wait_exit().await, killed.kill().await);
    assert!(
        ended.stderr.contains("TRACE") && ended.stdout.contains("sk-g...6789"),
        "there is much to search"
    );

    let secrets = || SECRETS.into_iter().chain([token.as_str()]);
    check("what clients were answered", &[responses, also].concat(), secrets());
    check("what creating a token logs", created.stderr.as_bytes(), secrets());
    for (place, ProcessOutput { stdout, stderr, .. }) in
        [("serve", &ended), ("serve, killed", &killed), ("check", &checked), ("token list", &listed)]
    {
        check(&format!("what {place} prints"), stdout.as_bytes(), secrets());
        check(&format!("what {place} logs"), stderr.as_bytes(), secrets());
    }
    let stored = files(launch.dir(), "aibridge.toml");
    assert!(stored.iter().any(|(name, _)| name.ends_with("-wal")), "not all is in the database yet");
    for (name, content) in stored {
        check(&name, &content, secrets());
    }
}

/// All files below `dir`, those of the journal included.
fn files(dir: &Path, except: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path, except));
        } else if name != except {
            found.push((name, std::fs::read(path).unwrap()));
        }
    }
    found
}

#[tokio::test]
async fn invalid_settings_are_refused_without_showing_secrets() {
    const HIDDEN: &str = "hidden-secret-0123456789";
    let table = [
        "keys = \"SECRET\"",
        "keys = [[\"SECRET\"]]",
        "keys = [\"SECRET\", \"SECRET\"]",
        "keys = [\"SECRET\\nx\"]",
        "keys = [\"SECRET",
        "keys = [\"SECRET\" 1]",
        "keys = [SECRET]",
        "key = \"SECRET\"",
        "key = [\"SECRET\"",
        "extra_headers = \"SECRET\"",
        "extra_headers = { x-secret = [\"SECRET\"] }",
        "extra_headers = { x-secret = \"SECRET\\nx\" }",
        "extra_headers = { \"bad name\" = \"SECRET\" }",
        "base_url = \"https://user:SECRET@host/?query\"",
        "base_url = \"https://host/?key=SECRET\"",
        "base_url = \"ftp://user:SECRET@host/\"",
        "[store]\nurl = \"postgres://user:SECRET@host:port/db\"",
        "[store]\nurl = \"mysql://user:SECRET@host/db\"",
    ];
    for line in table {
        let settings = format!("[[provider]]\ntype = \"openai\"\n{}\n", line.replace("SECRET", HIDDEN));
        let ended = launch(settings).arg("check").run().await;
        assert_eq!(ended.status.code(), Some(2), "{line}: {ended:?}");
        check(&format!("what {line:?} says: {}", ended.stderr), ended.stderr.as_bytes(), [HIDDEN]);
        check(&format!("what {line:?} prints"), ended.stdout.as_bytes(), [HIDDEN]);
    }
}
