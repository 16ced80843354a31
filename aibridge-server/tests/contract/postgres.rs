//! The real binary on a PostgreSQL server. Without an installed server, these tests print a note and pass.

mod replicas;
mod urls;

use crate::dialects::{CHAT, Dialect, KEY, REQUESTS};
use crate::harness::{WAITS_FOR_DATABASE, provider_settings};
use aibridge_testkit::{
    Gateway, Launch, Postgres, RawClient, Row, Script, ScriptedProvider, poll_until, request, wait_until,
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
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).store(server.url());
    server.follow_journal(launch.dir().join("aibridge.journal"));
    launch
}

/// The number of responses by status, and the ids of those that clients received completely.
#[derive(Default)]
struct ClientTotals {
    statuses: BTreeMap<u16, usize>,
    whole: BTreeSet<String>,
}

/// Clients that send requests continuously.
struct Load {
    clients: JoinSet<()>,
    totals: Arc<Mutex<ClientTotals>>,
    stop: CancellationToken,
}

impl Load {
    fn begin(address: SocketAddr, clients: usize) -> Self {
        let (totals, stop) = (Arc::default(), CancellationToken::new());
        let call = |number| call_repeatedly(address, number, Arc::clone(&totals), stop.clone());
        let clients = (0..clients).map(call).collect();
        Self { clients, totals, stop }
    }

    /// Waits for more than 30 further responses with `status`.
    async fn wait_for_more(&self, status: u16) {
        let count = || self.totals.lock().statuses.get(&status).copied().unwrap_or_default();
        let so_far = count();
        wait_until(|| count() > so_far + 30, &format!("more responses {status}")).await;
    }

    async fn end(self) -> ClientTotals {
        self.stop.cancel();
        within(self.clients.join_all(), "the clients to end").await;
        std::mem::take(&mut *self.totals.lock())
    }
}

async fn call_repeatedly(
    address: SocketAddr,
    number: usize,
    totals: Arc<Mutex<ClientTotals>>,
    stop: CancellationToken,
) {
    for (dialect, streaming) in REQUESTS.into_iter().cycle().skip(number) {
        if stop.is_cancelled() {
            return;
        }
        let mut client = RawClient::connect(address).await;
        let response =
            client.call(&request("POST", dialect.target, &[], dialect.request(streaming).as_bytes())).await;
        let mut totals = totals.lock();
        *totals.statuses.entry(response.status()).or_default() += 1;
        if response.status() == 200 {
            assert_eq!(response.text(), dialect.response(streaming));
            totals.whole.insert(response.header("x-aibridge-interception-id").unwrap().to_owned());
        }
    }
}

fn ids(rows: &[Row]) -> BTreeSet<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the metrics show that records wait in the journal (`expected`), or that none does.
async fn wait_for_lag(gateway: &Gateway, expected: bool) {
    let is_reached = async || {
        let metrics = RawClient::get(gateway.address(), "/metrics").await;
        metrics.text().contains("\naibridge_journal_lag_records 0\n") != expected
    };
    poll_until(is_reached, "the metrics to show what waits in the journal").await;
}

/// Checks that exactly the complete responses of clients are stored as completed, once, with all their rows.
async fn compare(server: &Postgres, totals: &ClientTotals) {
    let rows = server.query("SELECT id FROM aibridge_interceptions WHERE outcome = 'completed'").await;
    assert_eq!((rows.len(), ids(&rows)), (totals.whole.len(), totals.whole.clone()));
    for table in ["aibridge_user_prompts", "aibridge_token_usages", "aibridge_tool_usages"] {
        let sql = format!(
            "SELECT count(*) AS rows, count(DISTINCT interception_id) AS interceptions FROM {table} \
             JOIN aibridge_interceptions i ON i.id = interception_id WHERE outcome = 'completed'"
        );
        let counts = &server.query(&sql).await[0];
        let expected = totals.whole.len().into();
        assert_eq!((&counts["rows"], &counts["interceptions"]), (&expected, &expected), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_that_requests_wait_for_loses_no_record() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let gateway = launch(&server, &provider, WAITS_FOR_DATABASE).start().await;
    let load = Load::begin(gateway.address(), 8);
    load.wait_for_more(200).await;
    server.stop().await;
    let late = Load::begin(gateway.address(), 1); // the others may all wait for a record to be stored
    late.wait_for_more(503).await;
    server.restart().await;
    load.wait_for_more(200).await;
    server.crash().await;
    server.restart().await;
    load.wait_for_more(200).await;
    let (mut totals, more) = (load.end().await, late.end().await);
    totals.statuses.extend(more.statuses);
    totals.whole.extend(more.whole);
    assert_eq!(totals.statuses.keys().collect::<Vec<_>>(), [&200, &503]);
    compare(&server, &totals).await;
    gateway.terminate();
    assert!(gateway.wait_exit().await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_requests_continue_and_a_kill_loses_no_record() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let launch = launch(&server, &provider, "");
    let gateway = launch.start().await;
    assert!(gateway.stdout().contains("records wait in aibridge.journal"), "{}", gateway.stdout());
    let load = Load::begin(gateway.address(), 8);
    load.wait_for_more(200).await;
    server.stop().await;
    load.wait_for_more(200).await;
    wait_for_lag(&gateway, true).await;
    let mut totals = load.end().await;
    gateway.kill().await;

    let gateway = launch.start().await; // without a database
    let load = Load::begin(gateway.address(), 8);
    load.wait_for_more(200).await;
    server.restart().await;
    load.wait_for_more(200).await;
    gateway.wait_for_output("the database accepts records again").await;
    load.wait_for_more(200).await;
    let more = load.end().await;
    wait_for_lag(&gateway, false).await;
    assert_eq!(
        (totals.statuses.len(), more.statuses.len()),
        (1, 1),
        "{:?} {:?}",
        totals.statuses,
        more.statuses
    );
    totals.whole.extend(more.whole);
    gateway.terminate();
    assert!(gateway.wait_exit().await.status.success());
    compare(&server, &totals).await;
}

#[tokio::test]
async fn without_the_database_that_it_waits_for_a_request_is_refused() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let gateway = launch(&server, &provider, WAITS_FOR_DATABASE).start().await;
    server.stop().await;
    let sent_at = Instant::now();
    let mut client = CHAT.send(gateway.address(), false).await;
    let head = client.head().await;
    let took = sent_at.elapsed();
    assert_eq!((head.status, head.header("x-aibridge-error")), (503, Some("recorder_unavailable")));
    assert!(took.as_secs() < 2, "store.timeout requires 2 s at most: {took:?}");
    assert!(provider.received().is_empty(), "it reached no provider");
    server.restart().await;
    let is_served = async || CHAT.send(gateway.address(), false).await.head().await.status == 200;
    poll_until(is_served, "requests to be served after the restart of the database").await;
}

#[tokio::test]
async fn a_gateway_without_the_database_that_it_waits_for_exits_with_a_message() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    server.stop().await;
    let url = server.url().replace("postgres@", "postgres:hunter2@");
    let ended =
        launch(&server, &provider, WAITS_FOR_DATABASE).arg("serve").arg("--store").arg(url).run().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("cannot open the store postgres://postgres:...@"), "{}", ended.stderr);
    assert!(ended.stderr.contains("store.durability"), "{}", ended.stderr);
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
}

#[tokio::test]
async fn tokens_are_created_and_revoked_beside_a_running_gateway() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
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
    let refused = poll_until(async || status().await == 401, "the token to be refused");
    timeout(Duration::from_secs(1), refused).await.expect("within a second");
}

#[tokio::test]
async fn a_cooldown_is_shared_between_gateways() {
    let Some(server) = Postgres::start().await else { return };
    // The first key is rate-limited only once, so that the other gateway can only read it from the database.
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
        let response = RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking.as_bytes()).await;
        let body: serde_json::Value = serde_json::from_str(response.text()).unwrap();
        body["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(key(&one).await, "second");
    let is_cooling = poll_until(async || key(&other).await == "second", "the key to cool");
    timeout(Duration::from_secs(1), is_cooling).await.expect("within a second");
    for gateway in [&one, &other] {
        poll_until(async || key(gateway).await == "first", "the key to be used again").await;
    }
    let is_over = async || server.query("SELECT * FROM aibridge_key_cooldowns").await.is_empty();
    poll_until(is_over, "the cooldown to be removed from the database").await;
}
