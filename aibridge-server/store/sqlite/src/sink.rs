//! The connection of the projector: it writes batches, and deletes expired rows between them.

use crate::connection::BUSY_TIMEOUT;
use crate::deletion::Progress;
use crate::error::refused;
use crate::lock_file::LockFile;
use crate::open_files::OpenFiles;
use crate::orphans;
use crate::rows::{Statements, WriteError};
use aibridge_projector::{Sink, SinkError};
use aibridge_store_core::{Batch, StoreError};
use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const POSITION: &str = "SELECT position FROM aibridge_journal_positions WHERE journal_id = ?1";
const ADVANCE: &str = "INSERT INTO aibridge_journal_positions AS t (journal_id, position) VALUES (?1, ?2) \
    ON CONFLICT (journal_id) DO UPDATE SET position = excluded.position WHERE t.position < excluded.position";

/// The only connection that writes records.
pub(crate) struct SqliteSink {
    connection: Connection,
    path: PathBuf,
    files: Arc<OpenFiles>,
    statements: Statements,
    /// Released after the last write; `None` for a command.
    lock: Option<LockFile>,
}

impl SqliteSink {
    pub(super) fn new(
        connection: Connection,
        path: &Path,
        files: Arc<OpenFiles>,
        lock: Option<LockFile>,
    ) -> Self {
        Self { connection, path: path.to_owned(), files, statements: Statements::new(), lock }
    }

    /// Writes a row to each table that requests write to, and takes it back.
    pub(super) fn probe(&mut self) -> Result<(), StoreError> {
        self.files.check()?;
        let (_, records) = aibridge_projector::probe::records();
        self.run_sql("BEGIN IMMEDIATE").map_err(refused)?;
        let batch = Batch::of_records(records);
        let written = self.write(&batch, Uuid::nil(), None);
        if !self.connection.is_autocommit() {
            self.run_sql("ROLLBACK").map_err(refused)?;
        }
        written.map_err(|error| StoreError::Database(error.to_string()))
    }

    /// Deletes in a transaction. Does not wait for another process that writes, because records would wait too.
    pub(super) fn delete(
        &mut self,
        deletion: impl FnOnce(&Connection) -> rusqlite::Result<Progress>,
    ) -> Result<Progress, StoreError> {
        self.files.check()?;
        self.connection.busy_timeout(Duration::ZERO).map_err(refused)?;
        let deleted = self.transact(|sink| deletion(&sink.connection));
        self.connection.busy_timeout(BUSY_TIMEOUT).map_err(refused)?;
        match deleted {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Ok(Progress::default())
            }
            other => other.map_err(refused),
        }
    }

    fn try_apply(&mut self, batch: &Batch, journal: Uuid, position: Option<u64>) -> Result<(), SinkError> {
        // A check before the commit is enough: a file removed during the commit is like one removed right after it.
        self.files.check().map_err(|error| SinkError::Unavailable(error.to_string()))?;
        Ok(self.transact(|sink| sink.write(batch, journal, position))?)
    }

    fn write(&self, batch: &Batch, journal: Uuid, position: Option<u64>) -> Result<(), WriteError> {
        self.statements.write(&self.connection, batch, journal)?;
        if let Some(position) = position {
            let values = params![journal.to_string(), position.cast_signed()];
            self.connection.prepare_cached(ADVANCE)?.execute(values)?;
        }
        Ok(())
    }

    /// Runs `work` in a transaction, all or nothing.
    fn transact<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run_sql("BEGIN IMMEDIATE")?;
        let committed = work(self).and_then(|done| self.run_sql("COMMIT").map(|()| done).map_err(E::from));
        if committed.is_err() && !self.connection.is_autocommit() {
            self.run_sql("ROLLBACK")?; // SQLite has already rolled back after the worst errors
        }
        committed
    }

    fn run_sql(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

/// The sequence number of the last projected frame of a journal; 0 if there is none.
pub(super) fn position(connection: &Connection, journal: Uuid) -> rusqlite::Result<u64> {
    let position: Option<i64> =
        connection.prepare_cached(POSITION)?.query_row([journal.to_string()], |row| row.get(0)).optional()?;
    Ok(position.map_or(0, i64::cast_unsigned))
}

#[async_trait]
impl Sink for SqliteSink {
    async fn position(&mut self, journal: Uuid) -> Result<u64, SinkError> {
        self.files.check().map_err(|error| SinkError::Unavailable(error.to_string()))?;
        Ok(position(&self.connection, journal).map_err(WriteError::from)?)
    }

    async fn apply(&mut self, batch: &Batch, journal: Uuid, position: Option<u64>) -> Result<(), SinkError> {
        self.try_apply(batch, journal, position)
    }

    /// Closes all open interceptions, if no other gateway uses the file. Others may have opened them otherwise.
    async fn close_orphans(&mut self, _: Uuid) -> Result<u64, SinkError> {
        let Some(lock) = &mut self.lock else { return Ok(0) };
        let failed = |error: StoreError| SinkError::Unavailable(error.to_string());
        let closed = orphans::close(&self.connection, lock, &self.path).map_err(failed)?;
        lock.downgrade().map_err(failed)?;
        Ok(closed)
    }
}

impl From<WriteError> for SinkError {
    fn from(error: WriteError) -> Self {
        let is_content = match &error {
            WriteError::Database(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig))
            }
            WriteError::UnknownEnd(_) => true,
        };
        if is_content { Self::Content(error.to_string()) } else { Self::Unavailable(error.to_string()) }
    }
}
