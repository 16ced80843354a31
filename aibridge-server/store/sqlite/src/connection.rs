//! Opening and configuring SQLite connections.

use crate::error::open_error;
use crate::{file, schema};
use aibridge_store_core::{Durability, Options, StoreError};
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};
use std::path::{Path, PathBuf};
use std::thread::{sleep, yield_now};
use std::time::Duration;

/// The time for which a transaction waits for the write lock while another process writes. The gateway limits the
/// start of an interception to two seconds: this leaves half a second for the refusal, and is far longer than a command
/// that creates a token holds the lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_millis(1500);

/// Length of the write-ahead log in 4 KiB pages from which on a commit checkpoints, on connections without a
/// checkpoint thread.
const CHECKPOINT_PAGES: i64 = 1000;

/// Size in bytes to which the file of the write-ahead log is truncated after a burst.
const LOG_BYTES: i64 = 16 << 20;

/// Number of attempts to enable the write-ahead log, and the pause between them: one second in total.
const LOG_TRIES: u32 = 100;
const LOG_PAUSE: Duration = Duration::from_millis(10);

/// Capacity of the statement cache, larger than the number of statements in this crate, so that each is prepared
/// once.
const STATEMENTS: usize = 32;

/// Number of SQLite virtual machine instructions between two pauses: some ten microseconds.
const PAUSE_STEPS: i32 = 1000;

/// Lets the statements of `connection` yield their core many times a millisecond, and end when `is_cancelled` returns
/// `true`. A scheduler that lets a thread finish its slice (Linux 6.6 and later) would let threads that record wait for some
/// milliseconds, whatever their priorities are.
pub(super) fn yield_often(
    connection: &mut Connection,
    mut is_cancelled: impl FnMut() -> bool + Send + 'static,
) -> rusqlite::Result<()> {
    let pause = move || {
        yield_now();
        is_cancelled()
    };
    connection.progress_handler(PAUSE_STEPS, Some(pause))
}

/// Opens the database for writing, and creates it or migrates it to the latest schema if needed. Also returns its
/// absolute path. `busy` is how long each transaction waits while another process writes.
pub(super) fn open_writer(options: &Options, busy: Duration) -> Result<(PathBuf, Connection), StoreError> {
    let path = file::create(&options.path)?;
    let mut connection =
        open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy).map_err(|error| open_error(&path, error))?;
    if connection.is_readonly(MAIN_DB).map_err(|error| open_error(&path, error))? {
        return Err(read_only(&path));
    }
    schema::check(&mut connection, &path)?; // before any change
    enable_wal(&connection, &path)?;
    configure(&connection, options.journal.durability).map_err(|error| open_error(&path, error))?;
    schema::migrate(&mut connection, &path)?;
    Ok((path, connection))
}

/// Opens an existing database for reading.
pub(super) fn open_reader(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy).map_err(|error| open_error(path, error))
}

/// Whether `connection` can read while others write. SQLite needs the `-wal` and `-shm` files for that, and creates
/// them if no process has the database open.
pub(super) fn can_use_wal(connection: &Connection) -> bool {
    let read = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let code = read.err().and_then(|error| error.sqlite_error_code());
    !matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Opens an existing database for reading without `-wal` and `-shm` files. No process may write to it meanwhile.
pub(super) fn open_immutable(path: &Path) -> Result<Connection, StoreError> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    open(Path::new(&uri), flags, Duration::ZERO).map_err(|error| open_error(path, error))
}

fn open(path: &Path, access: OpenFlags, busy: Duration) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(busy)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Switches the database to a write-ahead log. SQLite does not wait when two processes switch a new file at once, so
/// this retries.
fn enable_wal(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let ask =
        || connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
    let mut result = ask();
    for _ in 0..LOG_TRIES {
        match &result {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => sleep(LOG_PAUSE),
            _ => break,
        }
        result = ask();
    }
    match result.map_err(|error| open_error(path, error))?.as_str() {
        "wal" => Ok(()),
        mode => Err(StoreError::Open {
            store: path.display().to_string(),
            problem: format!("it cannot use a write-ahead log, only {mode:?}"),
            advice: "name a file on a local disk",
        }),
    }
}

fn configure(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // With a write-ahead log, NORMAL passes a commit to the operating system, and FULL also waits for the disk.
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        // The journal releases committed frames, so commits must be as durable as the journal.
        Durability::Power | Durability::Database => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

fn read_only(path: &Path) -> StoreError {
    StoreError::Open {
        store: path.display().to_string(),
        problem: "it is read-only".to_owned(),
        advice: "make it and its directory writable for this user, or name another file",
    }
}
