//! The journal from outside: commands, room, removal and damage.

use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use crate::store_failures::lock;
use aibridge_testkit::{Gateway, Launch, ProcessOutput, RawClient, Response, ScriptedProvider, poll_until};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

async fn launch(store_settings: &str) -> (Launch, ScriptedProvider) {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let settings = format!("[store]\n{store_settings}\n{}", provider_settings(&provider.base_url(), &[KEY]));
    (Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings), provider)
}

async fn call(gateway: &Gateway) -> Response {
    RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking).await
}

fn id(response: &Response) -> String {
    assert_eq!(response.status(), 200);
    response.header("x-aibridge-interception-id").unwrap().to_owned()
}

/// Runs a command with the settings and the store of the gateway.
async fn command(launch: &Launch, words: &[&str]) -> ProcessOutput {
    let store = format!("sqlite:{}", launch.store_path().display());
    let config = launch.config_path().display().to_string();
    let flags = ["--config", &config, "--store", &store];
    words.iter().chain(&flags).fold(launch.clone(), |launch, word| launch.arg(*word)).run().await
}

/// The ids and outcomes that `aibridge interceptions list` shows, latest first, and what it writes to standard error.
async fn list(launch: &Launch) -> (Vec<(String, String)>, String) {
    let done = command(launch, &["interceptions", "list", "--json"]).await;
    assert!(done.status.success(), "{done:?}");
    let text = |value: &Value| value.as_str().unwrap_or("open").to_owned();
    let rows: Vec<Value> = serde_json::from_str(&done.stdout).unwrap();
    (rows.iter().map(|row| (text(&row["id"]), text(&row["outcome"]))).collect(), done.stderr)
}

fn journal_dir(launch: &Launch) -> PathBuf {
    let mut path = launch.store_path().into_os_string();
    path.push(".journal");
    path.into()
}

fn completed(ids: &[String]) -> Vec<(String, String)> {
    ids.iter().rev().map(|id| (id.clone(), "completed".to_owned())).collect()
}

#[tokio::test]
async fn a_command_shows_the_request_that_has_just_ended() {
    let (launch, _provider) = launch("").await;
    let gateway = launch.start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(id(&call(&gateway).await));
        assert_eq!(list(&launch).await, (completed(&ids), String::new()));
    }
}

#[tokio::test]
async fn a_command_stores_what_a_killed_gateway_left() {
    let (launch, _provider) = launch("").await;
    let gateway = launch.start().await;
    let write_lock = lock(&gateway.store());
    let ids = [id(&call(&gateway).await), id(&call(&gateway).await)];
    let (shown, note) = list(&launch).await;
    assert!(shown.is_empty(), "the database is locked");
    assert!(note.contains("records may wait in"), "{note}");
    gateway.kill().await;
    drop(write_lock);
    assert_eq!(list(&launch).await, (completed(&ids), String::new()));
    let gateway = launch.start().await;
    assert_eq!(gateway.store().rows("aibridge_interceptions").len(), 2);
}

#[tokio::test]
async fn a_removed_journal_refuses_requests_and_readiness() {
    let (launch, provider) = launch("").await;
    let gateway = launch.start().await;
    id(&call(&gateway).await);
    fs::remove_dir_all(journal_dir(&launch)).unwrap();
    // No request is under way meanwhile: the end of an accepted one would be held for half a minute.
    let is_unready = async || RawClient::get(gateway.address(), "/readyz").await.status() == 503;
    poll_until(is_unready, "the gateway to be unready").await;
    let so_far = provider.received().len();
    let refused = call(&gateway).await;
    assert_eq!((refused.status(), refused.header("x-aibridge-error")), (503, Some("recorder_unavailable")));
    assert_eq!(provider.received().len(), so_far, "what is refused reaches no provider");
}

#[tokio::test]
async fn a_full_journal_refuses_requests_until_records_are_stored() {
    let (launch, provider) = launch("journal_max_bytes = \"32KiB\"").await;
    let gateway = launch.start().await;
    let write_lock = lock(&gateway.store());
    let mut accepted = 0;
    let refused = loop {
        let response = call(&gateway).await;
        if response.status() != 200 {
            break response;
        }
        accepted += 1;
    };
    assert_eq!((refused.status(), refused.header("x-aibridge-error")), (503, Some("recorder_unavailable")));
    assert!(accepted > 5, "{accepted}");
    let is_unready = async || RawClient::get(gateway.address(), "/readyz").await.status() == 503;
    poll_until(is_unready, "the gateway to be unready").await;
    assert_eq!(provider.received().len(), accepted);
    drop(write_lock);
    poll_until(async || call(&gateway).await.status() == 200, "requests to be accepted again").await;
    let completed = "SELECT id FROM aibridge_interceptions WHERE outcome = 'completed'";
    assert_eq!(gateway.store().query(completed, &[]).len(), accepted + 1, "refused requests leave nothing");
}

/// Records nine interceptions that stay in the journal, and flips a bit in the start of the fifth. Returns the ids of all,
/// and the name of the file, which `aibridge check` names.
async fn damage(launch: &Launch) -> (Vec<String>, String) {
    let gateway = launch.start().await;
    let write_lock = lock(&gateway.store());
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(id(&call(&gateway).await));
    }
    gateway.kill().await;
    drop(write_lock);
    let file = fs::read_dir(journal_dir(launch)).unwrap().map(|entry| entry.unwrap().path());
    let file = file.filter(|path| path.extension().is_some_and(|end| end == "journal")).max().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(36).position(|window| window == ids[4].as_bytes()).unwrap();
    bytes[at] ^= 1; // in the start of the fifth
    fs::write(&file, bytes).unwrap();

    let named = file.file_name().unwrap().to_str().unwrap();
    let checked = command(launch, &["check"]).await;
    assert!(checked.status.success(), "{checked:?}");
    assert!(checked.stderr.contains("is damaged") && checked.stderr.contains(named), "{}", checked.stderr);
    (ids, named.to_owned())
}

#[tokio::test]
async fn damage_is_named_and_the_rest_is_recorded() {
    let (launch, _provider) = launch("").await;
    let (mut ids, _) = damage(&launch).await;

    let gateway = launch.start().await;
    gateway.wait_for_output("the journal is damaged").await;
    let stored = "SELECT id FROM aibridge_interceptions WHERE outcome = 'completed' ORDER BY id";
    let stored = gateway.store().query(stored, &[]);
    let stored: Vec<&str> = stored.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let lost = ids.remove(4);
    assert_eq!(stored, ids);
    let metrics = RawClient::get(gateway.address(), "/metrics").await;
    assert!(!metrics.text().contains("\naibridge_journal_damages_total 0\n"), "{}", metrics.text());
    let rejected = gateway.store().rows("aibridge_rejected_records");
    assert!(
        !rejected.is_empty() && rejected.iter().all(|row| row["interception_id"] == lost),
        "{rejected:?}"
    );
    let checked = command(&launch, &["check"]).await;
    assert!(checked.stderr.contains("aibridge_rejected_records"), "{}", checked.stderr);
}

#[tokio::test]
async fn a_command_that_repairs_a_journal_names_the_damage() {
    let (launch, _provider) = launch("").await;
    let (_, file) = damage(&launch).await;
    let listed = command(&launch, &["interceptions", "list"]).await;
    assert!(listed.status.success(), "{listed:?}");
    assert!(listed.stderr.contains("is damaged") && listed.stderr.contains(&file), "{}", listed.stderr);
}
