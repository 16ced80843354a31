//! Fixtures: a database in a temporary directory, and records.

use aibridge_journal::{Peek, peek};
use aibridge_recorder::{CredentialKind, Interception, InterceptionEnd, Outcome, Record, UserPrompt};
use aibridge_store::{Durability, Options, SqliteStore};
use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;
use uuid::{NoContext, Uuid};

/// Number of looks, a millisecond apart: no store that works takes that long.
const PROJECTOR_POLLS: u32 = 3000;

/// A temporary directory for one database.
pub(crate) struct TestDir(TempDir);

impl TestDir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("a b%23?.db") // a path, although it looks like a URL
    }

    pub(crate) fn options(&self) -> Options {
        Options::new(self.path())
    }

    pub(crate) fn options_with(&self, durability: Durability) -> Options {
        let mut options = self.options();
        options.journal.durability = durability;
        options
    }

    /// A store whose calls wait for the database.
    pub(crate) fn open_waiting(&self) -> SqliteStore {
        SqliteStore::open(self.options_with(Durability::Database)).expect("a store")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.options()).expect("a store")
    }

    /// A connection as another program would open it.
    pub(crate) fn sql(&self) -> Connection {
        Connection::open_with_flags(self.path(), rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)
            .expect("a connection")
    }

    /// All rows of a table, by id, when the projector has stored what was acknowledged.
    pub(crate) fn rows(&self, table: &str) -> Vec<Value> {
        self.wait_for_projector();
        let connection = self.sql();
        let mut statement =
            connection.prepare(&format!("SELECT * FROM {table} ORDER BY id")).expect("a table");
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = statement.query_map([], |row| {
            let cell = |(at, name): (usize, &String)| Ok((name.clone(), json(row.get(at)?)));
            names.iter().enumerate().map(cell).collect::<rusqlite::Result<Map<_, _>>>()
        });
        rows.expect("rows").map(|row| Value::Object(row.expect("a row"))).collect()
    }

    /// Waits a bounded time until the database holds all of the journal.
    pub(crate) fn wait_for_projector(&self) {
        let found = peek(self.options().journal.directory).ok().flatten();
        let Some(Peek { journal, last }) = found else { return };
        for _ in 0..PROJECTOR_POLLS {
            let sql = "SELECT position FROM aibridge_journal_positions WHERE journal_id = ?1";
            let position = self.sql().query_row(sql, [journal.to_string()], |row| row.get::<_, i64>(0));
            if position.is_ok_and(|position| position.cast_unsigned() >= last) {
                return;
            }
            sleep(Duration::from_millis(1));
        }
    }

    /// The ids of the interceptions, in the order of creation.
    pub(crate) fn interceptions(&self) -> Vec<String> {
        let rows = self.rows("aibridge_interceptions");
        rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    }
}

fn json(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => number.into(),
        Cell::Real(number) => number.into(),
        Cell::Text(text) => text.into(),
        Cell::Blob(bytes) => bytes.into(),
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// An interception with default values.
pub(crate) fn interception() -> Interception {
    Interception {
        id: Uuid::now_v7(),
        initiator_id: "ada".to_owned(),
        provider: "openai".to_owned(),
        provider_name: "openai".to_owned(),
        model: "gpt-5".to_owned(),
        route: "/responses".to_owned(),
        streaming: true,
        client: "Codex".to_owned(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: BTreeMap::new(),
        started_at: Timestamp::now(),
    }
}

/// An interception that started at `started_at`, with that time in its id.
pub(crate) fn interception_at(started_at: Timestamp) -> Interception {
    let millis = u64::try_from(started_at.as_millisecond()).expect("after 1970");
    let nanos = u32::try_from(millis % 1000).expect("below 1000") * 1_000_000;
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, millis / 1000, nanos));
    Interception { id, started_at, ..interception() }
}

pub(crate) fn prompt(interception_id: Uuid) -> UserPrompt {
    UserPrompt {
        id: Uuid::now_v7(),
        interception_id,
        prompt: "why?".to_owned(),
        created_at: Timestamp::now(),
    }
}

/// The records of a start.
pub(crate) fn start() -> (Uuid, Vec<Record>) {
    let interception = interception();
    let id = interception.id;
    (id, vec![Record::Start(interception.into()), Record::Prompt(prompt(id))])
}

pub(crate) fn ended(interception_id: Uuid) -> InterceptionEnd {
    InterceptionEnd {
        interception_id,
        outcome: Outcome::Completed,
        upstream_status: Some(200),
        credential_hint: None,
        provider_response_id: None,
        ended_at: Timestamp::now(),
    }
}
