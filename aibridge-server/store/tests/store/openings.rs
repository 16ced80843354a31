//! Opening a SQLite store: permissions, durability, schema versions, and invalid files.

use crate::support::{TestDir, start};
use aibridge_recorder::Recorder;
use aibridge_store::{Durability, Options, Records, SqliteStore, StoreError, Tokens};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

fn refused(path: PathBuf) -> String {
    let options = Options::new(path);
    let from_tokens = Tokens::open(&options).err().expect("refused").to_string();
    let from_store = SqliteStore::open(options).err().expect("refused").to_string();
    assert_eq!(from_store, from_tokens);
    from_store
}

#[tokio::test]
async fn files_are_readable_by_their_owner_only() {
    let dir = TestDir::new();
    let store = dir.open();
    store.record(start().1).await.expect("stored");
    for suffix in ["", "-wal", "-shm", "-lock"] {
        let mut path = dir.path().into_os_string();
        path.push(suffix);
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
    }
}

#[tokio::test]
async fn records_survive_a_restart_with_every_durability() {
    let dir = TestDir::new();
    for (durability, count) in [(Durability::Power, 1), (Durability::Process, 2), (Durability::Database, 3)] {
        let store = SqliteStore::open(dir.options_with(durability)).expect("a store");
        store.record(start().1).await.expect("stored");
        store.close().await;
        assert_eq!(dir.interceptions().len(), count);
    }
}

#[test]
fn a_newer_schema_is_refused_and_not_changed() {
    let dir = TestDir::new();
    drop(Tokens::open(&dir.options()).expect("created"));
    dir.sql().pragma_update(None, "user_version", 999).expect("set");
    let error = SqliteStore::open(dir.options()).err().expect("refused");
    assert!(matches!(error, StoreError::NewerSchema { found: 999, .. }));
    let message = refused(dir.path());
    assert!(
        message.contains(dir.path().to_str().expect("UTF-8")) && message.contains("schema 999"),
        "{message}"
    );
    let version: i64 = dir.sql().query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    assert_eq!(version, 999);
}

#[test]
fn a_foreign_file_is_refused_with_advice() {
    let dir = TestDir::new();
    let file = |name: &str| dir.path().with_file_name(name);
    fs::write(file("text"), "not a database, but long enough to look at its header".repeat(10))
        .expect("written");
    Connection::open(file("foreign")).expect("opened").execute_batch("CREATE TABLE t (a)").expect("written");
    Connection::open(file("numbered"))
        .expect("opened")
        .execute_batch("PRAGMA user_version = 1")
        .expect("written");
    fs::create_dir(file("directory")).expect("made");
    let table = [
        ("text", "it is not a SQLite database"),
        ("foreign", "the database of another program"),
        ("numbered", "the database of another program"),
        ("directory", "is a directory"),
        ("missing/a.db", "in a directory that exists"),
    ];
    for (name, expected) in table {
        let before = fs::read(file(name)).ok();
        let message = refused(file(name));
        assert_eq!(fs::read(file(name)).ok(), before, "{name}: left as it was");
        assert!(message.contains(expected), "{name}: {message}");
        assert!(message.contains(file(name).to_str().expect("UTF-8")), "{name}: {message}");
    }
    for nowhere in ["", ":memory:"] {
        let message = refused(nowhere.into());
        assert!(message.contains("in-memory store"), "{message}");
    }
}

#[test]
fn concurrent_opens_of_a_new_file_succeed() {
    let dir = TestDir::new();
    let options = dir.options();
    thread::scope(|scope| {
        for number in 0..8 {
            let options = &options;
            scope.spawn(move || {
                let tokens = Tokens::open(options).expect("opened");
                tokens.create(&format!("user {number}"), None).expect("created");
            });
        }
    });
    assert_eq!(dir.rows("aibridge_tokens").len(), 8);
}

/// Root ignores permissions, so this test runs again as another user if it runs as root.
#[test]
fn a_read_only_file_or_directory_is_refused_with_advice() {
    let dir = TestDir::new();
    drop(Tokens::open(&dir.options()).expect("created"));
    let directory = dir.path().parent().expect("a directory").to_owned();
    let set =
        |path: &PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");

    set(&dir.path(), 0o400);
    if fs::File::options().write(true).open(dir.path()).is_ok() {
        return run_again_as_nobody("openings::a_read_only_file_or_directory_is_refused_with_advice");
    }
    let message = refused(dir.path());
    assert!(message.contains("read-only; make it and its directory writable"), "{message}");

    set(&dir.path(), 0o600);
    set(&directory, 0o500);
    let message = refused(dir.path());
    assert!(message.contains("make it and its directory writable"), "{message}");
    let message = refused(directory.join("new.db"));
    assert!(message.contains("Permission denied") && message.contains("may write to"), "{message}");

    set(&directory, 0o700);
    SqliteStore::open(dir.options()).expect("writable again");
}

/// Runs again as another user if it runs as root.
#[tokio::test]
async fn a_closed_store_is_readable_without_write_permission() {
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    store.record(records).await.expect("stored");
    store.close().await;
    let directory = dir.path().parent().expect("a directory").to_owned();
    let set =
        |path: &PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    set(&dir.path(), 0o400);
    if fs::File::options().write(true).open(dir.path()).is_ok() {
        return run_again_as_nobody("openings::a_closed_store_is_readable_without_write_permission");
    }
    set(&directory, 0o500);
    let records = Records::open(&dir.options()).expect("opened");
    assert!(records.find(id).expect("read").is_some());
    assert_eq!(
        fs::read_dir(&directory).expect("a directory").count(),
        3,
        "the database, its lock and its journal"
    );

    set(&directory, 0o700);
    set(&dir.path(), 0o600);
    let store = dir.open();
    let error = records.find(id).expect_err("a gateway writes now").to_string();
    assert!(error.contains("started to write"), "{error}");
    store.close().await;
}

fn run_again_as_nobody(test: &str) {
    const NOBODY: u32 = 65534;
    let directory = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::chown(directory.path(), Some(NOBODY), Some(NOBODY)).expect("given away");
    let program = directory.path().join("tests");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
    let output = Command::new(&program)
        .args(["--exact", test])
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("run");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
