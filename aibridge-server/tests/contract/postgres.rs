//! The real binary on a real PostgreSQL server. Where there is none, these tests say so and are left out.

mod replicas;

use crate::dialects::{CHAT, Dialect, KEY, REQUESTS};
use crate::harness::provider_settings;
use aibridge_testkit::{
    Gateway, Launch, PATIENCE, Postgres, RawClient, Row, Script, ScriptedProvider, request, wait_until,
    within,
};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

fn launch(server: &Postgres, provider: &ScriptedProvider, settings: &str) -> Launch {
    let settings = format!("{settings}\n{}", provider_settings(&provider.base_url(), &[KEY]));
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).store(server.url())
}

/// What clients saw: how often which status, and the ids of the answers that they have whole.
#[derive(Default)]
struct Seen {
    statuses: BTreeMap<u16, usize>,
    whole: BTreeSet<String>,
}

/// Some clients that ask again and again.
struct Load {
    clients: JoinSet<()>,
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
}

impl Load {
    fn begin(address: SocketAddr, clients: usize) -> Self {
        let (seen, stop) = (Arc::default(), CancellationToken::new());
        let ask = |number| ask_on(address, number, Arc::clone(&seen), stop.clone());
        let clients = (0..clients).map(ask).collect();
        Self { clients, seen, stop }
    }

    /// Waits for some more of such answers.
    async fn goes_on(&self, status: u16) {
        let count = || self.seen.lock().statuses.get(&status).copied().unwrap_or_default();
        let so_far = count();
        wait_until(|| count() > so_far + 30, &format!("more answers {status}")).await;
    }

    async fn end(self) -> Seen {
        self.stop.cancel();
        within(self.clients.join_all(), "the clients to end").await;
        std::mem::take(&mut *self.seen.lock())
    }
}

async fn ask_on(address: SocketAddr, number: usize, seen: Arc<Mutex<Seen>>, stop: CancellationToken) {
    for (dialect, streaming) in REQUESTS.into_iter().cycle().skip(number) {
        if stop.is_cancelled() {
            return;
        }
        let mut client = RawClient::connect(address).await;
        let answer =
            client.ask(&request("POST", dialect.target, &[], dialect.request(streaming).as_bytes())).await;
        let mut seen = seen.lock();
        *seen.statuses.entry(answer.status()).or_default() += 1;
        if answer.status() == 200 {
            assert_eq!(answer.text(), dialect.answer(streaming));
            seen.whole.insert(answer.header("x-aibridge-interception-id").unwrap().to_owned());
        }
    }
}

fn ids(rows: &[Row]) -> BTreeSet<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until metrics say whether records go to the spool, and wait there.
async fn spools(gateway: &Gateway, does: bool) {
    let spooling = format!("\naibridge_store_spooling {}\n", u8::from(does));
    let told = async {
        loop {
            let metrics = RawClient::get(gateway.address(), "/metrics").await;
            let waits = !metrics.text().contains("\naibridge_store_spool_bytes 0\n");
            if metrics.text().contains(&spooling) && waits == does {
                return;
            }
        }
    };
    within(told, &format!("metrics to say {spooling:?}")).await;
}

/// What clients have whole is stored as completed, once, with all that belongs to it; and nothing else is.
async fn compare(server: &Postgres, seen: &Seen) {
    let rows = server.query("SELECT id FROM aibridge_interceptions WHERE outcome = 'completed'").await;
    assert_eq!((rows.len(), ids(&rows)), (seen.whole.len(), seen.whole.clone()));
    for table in ["aibridge_user_prompts", "aibridge_token_usages", "aibridge_tool_usages"] {
        let sql = format!(
            "SELECT count(*) AS rows, count(DISTINCT interception_id) AS interceptions FROM {table} \
             JOIN aibridge_interceptions i ON i.id = interception_id WHERE outcome = 'completed'"
        );
        let counts = &server.query(&sql).await[0];
        let expected = seen.whole.len().into();
        assert_eq!((&counts["rows"], &counts["interceptions"]), (&expected, &expected), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_restarts_under_load_loses_nothing() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let gateway = launch(&server, &provider, "").start().await;
    let load = Load::begin(gateway.address(), 8);
    load.goes_on(200).await;
    server.stop().await;
    let late = Load::begin(gateway.address(), 1); // the others may all wait for the end of an answer to be stored
    late.goes_on(503).await;
    server.start_again().await;
    load.goes_on(200).await;
    server.crash().await;
    server.start_again().await;
    load.goes_on(200).await;
    let (mut seen, more) = (load.end().await, late.end().await);
    seen.statuses.extend(more.statuses);
    seen.whole.extend(more.whole);
    assert_eq!(seen.statuses.keys().collect::<Vec<_>>(), [&200, &503]);
    compare(&server, &seen).await;
    gateway.terminate();
    assert!(gateway.exited().await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_spool_requests_go_on_and_a_killed_gateway_loses_nothing() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let launch = launch(&server, &provider, "[store]\nspool = \"spool\"");
    let gateway = launch.start().await;
    assert!(gateway.stdout().contains("records wait in spool"), "{}", gateway.stdout());
    let load = Load::begin(gateway.address(), 8);
    load.goes_on(200).await;
    server.stop().await;
    load.goes_on(200).await;
    spools(&gateway, true).await;
    let mut seen = load.end().await;
    gateway.kill().await;

    let gateway = launch.start().await; // without a database
    let load = Load::begin(gateway.address(), 8);
    load.goes_on(200).await;
    server.start_again().await;
    load.goes_on(200).await;
    gateway.said("the spool is drained").await;
    load.goes_on(200).await;
    let more = load.end().await;
    spools(&gateway, false).await;
    assert_eq!((seen.statuses.len(), more.statuses.len()), (1, 1), "{:?} {:?}", seen.statuses, more.statuses);
    seen.whole.extend(more.whole);
    gateway.terminate();
    assert!(gateway.exited().await.status.success());
    compare(&server, &seen).await;
}

#[tokio::test]
async fn without_its_database_a_start_is_refused_at_once() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let gateway = launch(&server, &provider, "").start().await;
    server.stop().await;
    let asked = Instant::now();
    let mut client = CHAT.send(gateway.address(), false).await;
    let head = client.head().await;
    let took = asked.elapsed();
    assert_eq!((head.status, head.header("x-aibridge-error")), (503, Some("recorder_unavailable")));
    assert!(took.as_secs() < 2, "store.timeout says within 2 s: {took:?}");
    assert!(provider.received().is_empty(), "the provider never heard of it");
    server.start_again().await;
    let answers = async { while CHAT.send(gateway.address(), false).await.head().await.status != 200 {} };
    timeout(PATIENCE, answers).await.expect("it goes on when the database does");
}

#[tokio::test]
async fn a_gateway_that_cannot_reach_its_database_says_why_and_exits() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    server.stop().await;
    let url = server.url().replace("postgres@", "postgres:hunter2@");
    let ended = launch(&server, &provider, "").arg("serve").arg("--store").arg(url).run().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("cannot open the store postgres://postgres:...@"), "{}", ended.stderr);
    assert!(ended.stderr.contains("store.spool"), "{}", ended.stderr);
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
}

#[tokio::test]
async fn tokens_are_made_and_revoked_beside_a_gateway() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let launch = launch(&server, &provider, "[auth]\nmode = \"tokens\"");
    let gateway = launch.start().await;
    let token = async |words: &[&str]| {
        let (config, url) = (launch.config_path().display().to_string(), server.url());
        let all =
            ["token"].into_iter().chain(words.iter().copied()).chain(["--config", &config, "--store", &url]);
        let done = all.fold(launch.clone(), Launch::arg).run().await;
        assert!(done.status.success(), "{done:?}");
        done.stdout
    };
    let created = token(&["create", "--user", "ann"]).await;
    let secret = created.lines().next().unwrap();
    let status = async || {
        let bearer = format!("Bearer {secret}");
        let headers = [("Authorization", bearer.as_str())];
        RawClient::post(gateway.address(), CHAT.target, &headers, CHAT.blocking.as_bytes()).await.status()
    };
    assert_eq!(status().await, 200, "at once");
    assert_eq!(server.rows("aibridge_interceptions").await[0]["initiator_id"], "ann");
    let id = server.rows("aibridge_tokens").await[0]["id"].as_str().unwrap().to_owned();
    assert!(token(&["list"]).await.contains(&id));
    token(&["revoke", &id]).await;
    let refused = async { while status().await != 401 {} };
    timeout(Duration::from_secs(1), refused).await.expect("within a second");
}

#[tokio::test]
async fn a_key_that_one_gateway_sees_cooling_is_left_alone_by_the_other() {
    let Some(server) = Postgres::start().await else { return };
    // The first key is limited once, so that only news can tell the other gateway.
    let first = Arc::new(Mutex::new(true));
    let provider = ScriptedProvider::start(move |request| {
        let preferred = request.header("authorization") == Some(&format!("Bearer {KEY}"));
        if preferred && std::mem::take(&mut *first.lock()) {
            return Script::json(429, "{}").header("retry-after", "4");
        }
        Script::json(200, if preferred { r#"{"id":"first"}"# } else { r#"{"id":"second"}"# })
    })
    .await;
    let settings = provider_settings(&provider.base_url(), &[KEY, "sk-second-0123456789"]);
    let launch = || Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings.clone()).store(server.url());
    let (one, other) = (launch().start().await, launch().start().await);
    let key = async |gateway: &Gateway| {
        let answer = RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking.as_bytes()).await;
        let body: serde_json::Value = serde_json::from_str(answer.text()).unwrap();
        body["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(key(&one).await, "second");
    let heard = async { while key(&other).await != "second" {} };
    timeout(Duration::from_secs(1), heard).await.expect("within a second");
    for gateway in [&one, &other] {
        within(async { while key(gateway).await != "first" {} }, "the key to be used again").await;
    }
    let told = async { while !server.query("SELECT * FROM aibridge_key_cooldowns").await.is_empty() {} };
    within(told, "all to know that it works").await;
}
