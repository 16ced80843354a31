//! The real binary: its start, its end, its secrets.

use crate::harness::provider_settings;
use aibridge_testkit::{
    BodyEnd, Gate, Launch, RawClient, Script, ScriptedProvider, Step, request, wait_until,
};

const POOL_KEY: &str = "sk-pool-secret-0123456789";
const OWN_KEY: &str = "sk-own-secret-0123456789";
const HEADER_SECRET: &str = "header-secret-0123456789";
const CHAT: &str = "/openai/v1/chat/completions";
const STREAM: &str = r#"{"model":"m","stream":true}"#;
const DELTA: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn launch(settings: String) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings)
}

#[tokio::test]
async fn a_shutdown_lets_open_streams_end_and_refuses_new_requests() {
    let gate = Gate::new();
    let held = gate.clone();
    let provider = ScriptedProvider::start(move |_| {
        Script::sse_head().chunk(DELTA).then(Step::Await(held.clone())).chunk(DONE).then(Step::End)
    })
    .await;
    let launch = launch(provider_settings(&provider.base_url(), &[POOL_KEY]));
    let gateway = launch.start().await;
    let mut open = RawClient::connect(gateway.address()).await;
    open.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    open.head().await;
    open.until("hi").await;
    let store = gateway.store();
    gateway.terminate();
    gateway.said("stopping").await;

    let refused = RawClient::post(gateway.address(), CHAT, &[], STREAM).await;
    assert_eq!((refused.status(), refused.header("x-aibridge-error")), (503, Some("shutting_down")));
    assert_eq!(refused.header("connection"), Some("close"));
    gate.open();
    assert_eq!(open.rest().await, (DONE.into(), BodyEnd::Clean));
    assert_eq!(gateway.exited().await.status.code(), Some(0));
    assert_eq!(store.rows("aibridge_interceptions")[0]["outcome"], "completed");
}

#[tokio::test]
async fn when_the_grace_period_is_over_open_streams_are_cut_and_say_so() {
    let provider = ScriptedProvider::start(|_| Script::sse_head().chunk(DELTA).then(Step::Stall)).await;
    let settings = provider_settings(&provider.base_url(), &[POOL_KEY]);
    let launch = launch(format!("[server]\nshutdown_grace = \"50ms\"\n{settings}"));
    let gateway = launch.start().await;
    let mut open = RawClient::connect(gateway.address()).await;
    open.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    open.head().await;
    open.until("hi").await;
    let store = gateway.store();
    gateway.terminate();
    let (rest, _) = open.rest().await;
    assert!(String::from_utf8_lossy(&rest).contains("\"code\":\"shutting_down\""), "{rest:?}");
    assert_eq!(gateway.exited().await.status.code(), Some(0));
    let row = &store.rows("aibridge_interceptions")[0];
    assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"shutdown".into()));
}

#[tokio::test]
async fn secrets_stay_put() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(OWN_KEY) => Script::json(401, "{\"error\":{}}"),
        _ => Script::json(429, "{\"error\":{}}"),
    })
    .await;
    let settings = format!(
        "[auth]\nmode = \"tokens\"\n{}extra_headers = {{ x-secret = \"{HEADER_SECRET}\" }}\n{}",
        provider_settings(&provider.base_url(), &[POOL_KEY]),
        provider_settings(&ScriptedProvider::unreachable_base_url().await, &["sk-other-secret-012345678"])
            .replace("type", "name = \"gone\"\ntype"),
    );
    let launch = launch(settings).env("RUST_LOG", "trace");
    let gateway = launch.start().await;
    let created = command(&launch, &["token", "create", "--user", "ann"]).run().await;
    assert!(created.status.success(), "{created:?}");
    let token = created.stdout.lines().next().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    for (target, headers) in [
        (CHAT, &[("Authorization", bearer.as_str())][..]),
        (CHAT, &[("X-AIBridge-Token", &token), ("Authorization", &format!("Bearer {OWN_KEY}"))]),
        ("/gone/v1/responses", &[("X-Api-Key", &token)]),
        ("/openai/v1/models", &[("Authorization", "Bearer aib_wrong-secret-0123456789")]),
    ] {
        RawClient::post(gateway.address(), target, headers, STREAM).await;
    }
    wait_until(|| gateway.stderr().contains("interception ended"), "the log to be written").await;
    let checked = command(&launch, &["check"]).run().await;
    let listed = command(&launch, &["token", "list"]).run().await;
    assert!(checked.status.success() && listed.stdout.contains("ann"), "{checked:?} {listed:?}");
    let dir = launch.dir().to_owned();
    let ended = gateway.kill().await;

    let mut places = vec![("log", ended.stderr.into_bytes()), ("start", ended.stdout.into_bytes())];
    places.push(("check", checked.stdout.into_bytes()));
    places.push(("list", listed.stdout.into_bytes()));
    for name in ["aibridge.db", "aibridge.db-wal", "aibridge.db-shm"] {
        places.push((name, std::fs::read(dir.join(name)).unwrap_or_default()));
    }
    assert!(
        places.iter().filter(|(_, content)| content.len() > 100).count() >= 5,
        "there is something to search"
    );
    let secrets = [
        POOL_KEY,
        OWN_KEY,
        HEADER_SECRET,
        "sk-other-secret-012345678",
        &token,
        "aib_wrong-secret-0123456789",
    ];
    for (place, content) in places {
        for secret in secrets {
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {place}");
        }
    }
}

/// Another process beside the gateway: same settings, same store.
fn command(launch: &Launch, words: &[&str]) -> Launch {
    let store = format!("sqlite:{}", launch.store_path().display());
    let config = launch.config_path().display().to_string();
    let flags = ["--config", &config, "--store", &store];
    words.iter().chain(&flags).fold(launch.clone(), |launch, word| launch.arg(*word))
}

#[tokio::test]
async fn bad_settings_are_refused_with_what_to_write_instead() {
    let table = [
        ("[server]\nlisten = \"0.0.0.0:1\"", "server.listen"),
        ("[server]\nlistn = \"127.0.0.1:0\"", "listn"),
        ("[[provider]]\ntype = \"openai\"\nname = \"Bad\"", "provider[0].name"),
        ("[[provider]]\ntype = \"openai\"\nname = \"metrics\"", "provider[0].name"),
        ("[[provider]]\ntype = \"openai\"\nbase_url = \"ftp://x\"", "provider[0].base_url"),
        ("[[provider]]\ntype = \"openai\"\nkeys = [\"env:UNSET\"]", "UNSET"),
        ("[[provider]]\ntype = \"openai\"\nkeys = [\"a\", \"a\"]", "keys"),
        ("[store]\nurl = \"postgres://host/db\"", "store.url"),
    ];
    for (settings, named) in table {
        let launch = launch(settings.to_owned());
        let ended = launch.arg("check").run().await;
        assert_eq!(ended.status.code(), Some(2), "{settings}: {ended:?}");
        assert!(
            ended.stderr.contains(named) && ended.stderr.contains("aibridge.toml"),
            "{settings}: {}",
            ended.stderr
        );
    }
    assert_eq!(launch(String::new()).arg("--no-such-flag").run().await.status.code(), Some(2));
}

#[tokio::test]
async fn a_newcomer_can_copy_the_base_url() {
    let gateway = launch(String::new()).start().await;
    let said = gateway.stdout();
    assert!(
        said.contains(&format!("{} -> https://api.openai.com/v1/", gateway.base_url("openai"))),
        "{said}"
    );
    assert!(said.contains("no keys") && said.contains("sqlite:"), "{said}");
    gateway.terminate();
    assert_eq!(gateway.exited().await.status.code(), Some(0));
}
