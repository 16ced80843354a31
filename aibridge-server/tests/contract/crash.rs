//! A killed gateway has recorded every response that a client received completely.

use crate::dialects::{CHAT, Dialect, KEY, REQUESTS};
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider, Step, Store, request, within};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;

const ROUNDS: usize = 4;
const CLIENTS: usize = 16;

/// The ids of responses that a client received completely.
type Whole = Arc<Mutex<Vec<String>>>;

/// A request whose response never ends.
const ENDLESS: &str = r#"{"model":"endless","stream":true,"messages":[]}"#;

/// Sends requests until the gateway is gone.
async fn call_repeatedly(address: SocketAddr, number: usize, whole: Whole) {
    let mut client = RawClient::connect(address).await;
    for (dialect, streaming) in REQUESTS.into_iter().cycle().skip(number) {
        let headers = [("Content-Type", "application/json")];
        client.send(&request("POST", dialect.target, &headers, dialect.request(streaming).as_bytes())).await;
        let Some(head) = client.try_head().await else { return };
        let response = dialect.response(streaming);
        let mut body = Vec::new();
        while let Ok(piece) = client.piece().await {
            body.extend(piece);
            if body == response.as_bytes() {
                whole.lock().push(head.header("x-aibridge-interception-id").unwrap().to_owned());
            }
        }
    }
}

fn check(store: &Store, id: &str) {
    let row = store.interception(id).unwrap_or_else(|| panic!("{id} is not recorded"));
    assert_eq!((&row["outcome"], &row["error_type"]), (&"completed".into(), &().into()), "{row:?}");
    let rows = |table| store.rows_of(table, id).len();
    assert_eq!(
        ["aibridge_user_prompts", "aibridge_token_usages", "aibridge_tool_usages"].map(rows),
        [1, 1, 1]
    );
}

#[tokio::test]
async fn a_killed_gateway_has_recorded_every_complete_response() {
    let provider = ScriptedProvider::start(|request| match request.json()["model"] == "endless" {
        true => Script::sse_head().chunk(CHAT.events[0]).then(Step::Stall),
        false => Dialect::respond_to(request),
    })
    .await;
    let settings = provider_settings(&provider.base_url(), &[KEY]);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
    let mut gateway = launch.start().await;
    let (whole, mut endless) = (Whole::default(), Vec::new());
    for round in 0..ROUNDS {
        let address = gateway.address();
        let mut open = RawClient::connect(address).await;
        open.send(&request("POST", CHAT.target, &[], ENDLESS.as_bytes())).await;
        endless.push(open.head().await.header("x-aibridge-interception-id").unwrap().to_owned());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| tokio::spawn(call_repeatedly(address, number, whole.clone())))
            .collect();
        let (dialect, streaming) = REQUESTS[round % REQUESTS.len()];
        let mut client = dialect.send(address, streaming).await;
        let head = client.head().await;
        client.read_until(&dialect.response(streaming)).await;
        gateway.kill().await; // at an arbitrary moment
        whole.lock().push(head.header("x-aibridge-interception-id").unwrap().to_owned());
        for client in clients {
            within(client, "a client to notice").await.unwrap();
        }

        gateway = launch.start().await;
        let store = gateway.store();
        whole.lock().iter().for_each(|id| check(&store, id));
        let open = store.query("SELECT id FROM aibridge_interceptions WHERE ended_at IS NULL", &[]);
        assert!(open.is_empty(), "orphans are closed at the start");
        for id in &endless {
            let row = store.interception(id).unwrap();
            assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"gateway_crash".into()));
        }
        let completed = "SELECT id FROM aibridge_interceptions WHERE outcome = 'completed'";
        let crashed = "SELECT id FROM aibridge_interceptions WHERE error_type = 'gateway_crash'";
        let counts = [completed, crashed].map(|sql| store.query(sql, &[]).len());
        assert!(counts[0] >= whole.lock().len() && counts[1] > round, "{counts:?}");
        let output = gateway.stdout();
        assert!(output.contains("were open when the gateway last died"), "the start prints it: {output}");
    }
}
