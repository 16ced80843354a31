//! Commits of start records to SQLite on a real disk.

use aibridge_recorder::{CredentialKind, Interception, Record, Recorder, UserPrompt};
use aibridge_store::{Options, SqliteStore};
use criterion::{Criterion, Throughput};
use jiff::Timestamp;
use std::path::Path;
use uuid::Uuid;

/// The numbers of concurrent callers that share a commit.
const BATCHES: [usize; 3] = [1, 16, 256];

/// Measures the start records of interceptions, with their prompts, on a real disk.
pub(crate) fn commits(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let directory = tempfile::tempdir_in(target).expect("a directory");
    let options = Options::new(directory.path().join("bench.db"));
    let store = {
        let _entered = runtime.enter();
        SqliteStore::open(options).expect("a store")
    };
    let mut group = criterion.benchmark_group("commit");
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(format!("{batch} starts"), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let records: Vec<_> = (0..batch).map(|_| store.record(start())).collect();
                    for stored in futures_util::future::join_all(records).await {
                        stored.expect("stored");
                    }
                });
            });
        });
    }
}

fn start() -> Vec<Record> {
    let (id, now) = (Uuid::now_v7(), Timestamp::now());
    let interception = Interception {
        id,
        initiator_id: "anonymous".into(),
        provider: "openai".into(),
        provider_name: "openai".into(),
        model: "gpt-5-codex".into(),
        route: "/chat/completions".into(),
        streaming: true,
        client: "Codex".into(),
        client_session_id: None,
        user_agent: Some("codex_cli_rs/0.63.0".into()),
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: std::collections::BTreeMap::default(),
        started_at: now,
    };
    let prompt = "Explain why the test `empty_line` fails. Please find out and repair it.".to_owned();
    let prompt = UserPrompt { id: Uuid::now_v7(), interception_id: id, prompt, created_at: now };
    vec![Record::Start(interception.into()), Record::Prompt(prompt)]
}
