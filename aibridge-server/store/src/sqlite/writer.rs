//! The writer thread: stores the queued records of many calls in one transaction, and deletes expired rows between
//! them.

use super::checkpoint::{CheckpointTrigger, Checkpointer};
use super::connection::BUSY_TIMEOUT;
use super::deletion::{Deletion, Progress};
use super::lock_file::LockFile;
use super::open_files::OpenFiles;
use super::owners;
use super::rows::Rows;
use super::worker::Worker;
use super::write_error::WriteError;
use crate::StoreError;
use crate::job::{Job, JobReceiver};
use crate::observe::CommitObserver;
use crate::probe;
use aibridge_recorder::Record;
use quanta::Instant;
use rusqlite::{Connection, ErrorCode, hooks::Wal};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Bound of the queue; further callers wait for room. Each caller is a request that the gateway holds in memory
/// anyhow. With more than this ahead, a start would not be stored within its two seconds.
const QUEUE: usize = 1024;

/// Maximum number of calls in one commit, so that the first of them does not wait long for the last.
const BATCH: usize = 256;

/// Statements that undo a probe; rows that belong to the interception are deleted with it.
const UNDO: [&str; 2] = [
    "DELETE FROM aibridge_interceptions WHERE id = ?1",
    "DELETE FROM aibridge_object_owners WHERE provider_name = '' AND object_id = ?1",
];

/// A request to the writer.
pub(super) enum Work {
    /// Stores records, all or none. Without records, it is a probe.
    Record(Vec<Record>),
    /// Deletes some expired interceptions, after the queued records.
    Delete(Deletion),
    /// Deletes some object owners recorded before a time, after the queued records.
    DeleteOwners(String),
}

/// All records of one call. The progress in its result is always 0.
type Write = Job<Vec<Record>, Progress>;

/// The only writer of records. The records that queued up during a transaction are stored in the next one: the busier
/// the gateway, the more calls share a commit.
pub(super) struct Writer {
    connection: Connection,
    files: OpenFiles,
    rows: Rows,
    /// Whether the last transaction succeeded; only a change is logged.
    accepts: bool,
    observer: Arc<CommitObserver>,
    /// Released after the last write.
    _lock: LockFile,
}

impl Writer {
    /// Starts the writer thread, and the checkpoint thread on `checkpointer`.
    pub(super) fn start(
        mut connection: Connection,
        checkpointer: Connection,
        path: &Path,
        lock: LockFile,
        observer: Arc<CommitObserver>,
    ) -> io::Result<Worker<Work, Progress>> {
        let (mut trigger, checkpointer) = CheckpointTrigger::start(checkpointer)?;
        connection
            .wal_hook(Some(move |wal: &mut Wal, pages| {
                trigger.on_commit(wal, u32::try_from(pages).unwrap_or_default());
                Ok(())
            }))
            .map_err(io::Error::other)?;
        let writer = Self::new(connection, OpenFiles::of(path), lock, observer);
        Worker::start("aibridge-store-writer", QUEUE, |queue| writer.run(queue, checkpointer))
    }

    fn new(connection: Connection, files: OpenFiles, lock: LockFile, observer: Arc<CommitObserver>) -> Self {
        Self { connection, files, rows: Rows::new(), accepts: true, observer, _lock: lock }
    }

    fn run(mut self, mut queue: JobReceiver<Work, Progress>, checkpointer: Checkpointer) {
        while let Some(jobs) = queue.blocking_next(BATCH) {
            self.run_batch(jobs);
        }
        // Without the hook no trigger is left, so that the checkpoint thread ends.
        let unhooked = self.connection.wal_hook(None::<fn(&mut Wal, i32) -> rusqlite::Result<()>>);
        if unhooked.is_err() || checkpointer.join().is_err() {
            tracing::error!("the checkpoint thread of the store failed");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "could not close the store cleanly");
        }
    }

    /// Serves a batch of jobs: records before deletions, whatever came first.
    fn run_batch(&mut self, jobs: Vec<Job<Work, Progress>>) {
        let (mut writes, mut deletions) = (Vec::with_capacity(jobs.len()), Vec::new());
        let mut owner_deletions = Vec::new();
        for job in jobs.into_iter().filter(|job| !job.is_abandoned()) {
            let (work, reply) = job.split();
            match work {
                Work::Record(records) => writes.push(Job::with_reply(records, reply)),
                Work::Delete(deletion) => deletions.push(Job::with_reply(deletion, reply)),
                Work::DeleteOwners(before) => owner_deletions.push(Job::with_reply(before, reply)),
            }
        }
        if !writes.is_empty() {
            self.serve(writes);
        }
        for job in deletions {
            let progress = self.delete(|connection| job.request.run(connection));
            job.respond(progress.map_err(StoreError::from));
        }
        for job in owner_deletions {
            let progress = self.delete(|connection| {
                let deleted = owners::delete(connection, &job.request)?;
                Ok(Progress { done: 1, deleted })
            });
            job.respond(progress.map_err(StoreError::from));
        }
    }

    /// Deletes in a transaction. Does not wait for another process that writes, because records would wait too.
    fn delete(
        &self,
        deletion: impl FnOnce(&Connection) -> rusqlite::Result<Progress>,
    ) -> rusqlite::Result<Progress> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let deleted = self.transact(|| deletion(&self.connection));
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        match deleted {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Ok(Progress::default())
            }
            other => other,
        }
    }

    fn serve(&mut self, jobs: Vec<Write>) {
        let began = Instant::now();
        let committed = self.commit_to_open_files(&jobs);
        self.observer.committed(began.elapsed());
        match committed {
            Ok(results) => {
                if !self.accepts {
                    tracing::info!("the store accepts records again");
                }
                self.accepts = true;
                for (job, result) in jobs.into_iter().zip(results) {
                    job.respond(result.map(|()| Progress::default()));
                }
            }
            Err(error) => {
                if self.accepts {
                    tracing::error!(%error, "the store does not accept records");
                }
                self.accepts = false;
                for job in jobs {
                    job.respond(Err(error.clone()));
                }
            }
        }
    }

    /// Commits the jobs after a check of the files. Files that are removed during the commit cannot be distinguished
    /// from files that are removed right after it.
    fn commit_to_open_files(&mut self, jobs: &[Write]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.files.check()?;
        Ok(self.commit(jobs)?)
    }

    /// Writes the jobs in one transaction. A database error fails all jobs; a conflict fails only its own job.
    ///
    /// Conflicts are not expected: only after one does each job get a savepoint of its own.
    fn commit(&self, jobs: &[Write]) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
        let all = self.transact(|| jobs.iter().try_for_each(|job| self.write(job)));
        match all {
            Ok(()) => Ok(jobs.iter().map(|_| Ok(())).collect()),
            Err(WriteError::Failure(error)) => Err(error),
            Err(WriteError::Conflict(_)) => {
                self.transact(|| jobs.iter().map(|job| self.write_separately(job)).collect())
            }
        }
    }

    /// Runs `work` in a transaction, all or nothing.
    fn transact<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.run_sql("BEGIN IMMEDIATE")?;
        let committed = work().and_then(|done| self.run_sql("COMMIT").map(|()| done).map_err(E::from));
        if committed.is_err() && !self.connection.is_autocommit() {
            self.run_sql("ROLLBACK")?; // SQLite has already rolled back after the worst errors
        }
        committed
    }

    fn write(&self, job: &Write) -> Result<(), WriteError> {
        if job.is_abandoned() {
            return Ok(()); // the caller stopped waiting while the transaction waited to begin
        }
        if job.request.is_empty() {
            return self.probe();
        }
        job.request.iter().try_for_each(|record| self.rows.write(&self.connection, record))
    }

    /// Writes the rows of a probe, and deletes them. Their pages go through the log like those of a request.
    fn probe(&self) -> Result<(), WriteError> {
        let (id, records) = probe::records();
        records.iter().try_for_each(|record| self.rows.write(&self.connection, record))?;
        for statement in UNDO {
            self.connection.prepare_cached(statement)?.execute([id.to_string()])?;
        }
        Ok(())
    }

    fn write_separately(&self, job: &Write) -> rusqlite::Result<Result<(), StoreError>> {
        self.run_sql("SAVEPOINT job")?;
        match self.write(job) {
            Ok(()) => self.run_sql("RELEASE job").map(Ok),
            Err(WriteError::Failure(error)) => Err(error),
            Err(contradiction) => {
                tracing::error!(error = %contradiction, "records conflict with stored rows and are refused");
                self.run_sql("ROLLBACK TO job")?;
                self.run_sql("RELEASE job")?;
                Ok(Err(contradiction.into()))
            }
        }
    }

    fn run_sql(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::connection;
    use crate::{Durability, Options};
    use aibridge_recorder::{Reasoning, ReasoningSource};
    use jiff::Timestamp;
    use tempfile::TempDir;
    use uuid::Uuid;

    fn writer(directory: &TempDir) -> Writer {
        let options = Options { path: directory.path().join("a.db"), durability: Durability::Process };
        let (path, connection) = connection::open_writer(&options, BUSY_TIMEOUT).expect("a connection");
        let lock = LockFile::acquire(&path).expect("a lock");
        Writer::new(connection, OpenFiles::of(&path), lock, Arc::default())
    }

    fn thought(interception_id: Uuid) -> Vec<Record> {
        vec![Record::Reasoning(Reasoning {
            id: Uuid::now_v7(),
            interception_id,
            content: String::new(),
            source: ReasoningSource::Thinking,
            truncated: false,
            created_at: Timestamp::now(),
        })]
    }

    /// A reasoning record of an interception that never started: writing it is a conflict.
    fn stray() -> Vec<Record> {
        thought(Uuid::now_v7())
    }

    #[test]
    fn a_call_abandoned_before_the_transaction_begins_is_skipped() {
        let directory = tempfile::tempdir().expect("a directory");
        let writer = writer(&directory);
        let (left, _) = Write::new(stray());
        let (stayed, _answer) = Write::new(stray());
        let results = writer.commit(&[left, stayed]).expect("a commit");
        assert!(results[0].is_ok(), "not written");
        assert!(matches!(results[1], Err(StoreError::Conflict(_))));
    }

    #[test]
    fn a_batch_records_before_it_deletes() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut writer = writer(&directory);
        let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
        for id in [id, other] {
            let row = "INSERT INTO aibridge_interceptions VALUES \
                (?1, '', '', '', '', '', 0, '', NULL, NULL, '', '', NULL, '{}', '2020', '2020', 'completed', NULL, 200)";
            writer.connection.execute(row, [id.to_string()]).expect("a row");
        }
        let deletion = |id: Uuid| {
            Job::new(Work::Delete(Deletion { ids: vec![id.to_string()], before: "2021".to_owned() }))
        };
        let (delete, mut deleted) = deletion(id);
        let (record, mut recorded) = Job::new(Work::Record(thought(id))); // no contradiction yet
        let (abandoned, _) = deletion(other);
        writer.run_batch(vec![delete, record, abandoned]);
        assert_eq!(recorded.try_recv().expect("a result"), Ok(Progress::default()));
        assert_eq!(deleted.try_recv().expect("a result"), Ok(Progress { done: 1, deleted: 1 }));
        let left = |sql| writer.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
        assert_eq!(
            left("SELECT count(*) FROM aibridge_interceptions"),
            1,
            "the abandoned deletion is skipped"
        );
        assert_eq!(left("SELECT count(*) FROM aibridge_model_thoughts"), 0);
    }
}
