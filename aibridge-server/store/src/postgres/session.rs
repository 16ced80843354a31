//! A connection with the prepared statements that write rows.

use super::error::PgError;
use super::rows::{Rows, array};
use super::target::{COUNT, ENDS, TARGETS, Target};
use crate::StoreError;
use futures_util::future::{join, join_all, try_join_all};
use tokio_postgres::{Client, Statement};

/// A connection with prepared statements for all tables.
pub(super) struct Session {
    pub(super) client: Client,
    statements: Vec<Prepared>,
}

struct Prepared {
    name: &'static str,
    write: Statement,
    find: Statement,
}

/// The result of each call.
pub(super) type WriteResults = Vec<Result<(), StoreError>>;

impl Session {
    pub(super) async fn new(client: Client) -> Result<Self, PgError> {
        let prepare = async |target: &Target| {
            let sql = target.sql();
            let (write, find) = join(client.prepare(&sql.write), client.prepare(&sql.find)).await;
            Ok::<_, PgError>(Prepared { name: target.name(), write: write?, find: find? })
        };
        let statements = try_join_all(TARGETS.iter().map(prepare)).await?;
        Ok(Self { client, statements })
    }

    /// Writes the rows of all calls in one transaction. A row that is already there with equal values counts as
    /// stored: an earlier attempt succeeded without a response. A conflict fails only its own call.
    ///
    /// Conflicts are not expected: only after one does each call get a savepoint of its own.
    pub(super) async fn write(&self, jobs: &[&Rows]) -> Result<WriteResults, PgError> {
        if self.write_together(jobs).await? {
            return Ok(jobs.iter().map(|_| Ok(())).collect());
        }
        self.client.batch_execute("BEGIN").await?;
        let mut results = WriteResults::new();
        for job in jobs {
            results.push(self.write_separately(job).await?);
        }
        self.client.batch_execute("COMMIT").await?;
        Ok(results)
    }

    /// Writes all rows at once. Returns `false`, with nothing written, if a row exists already or conflicts.
    async fn write_together(&self, jobs: &[&Rows]) -> Result<bool, PgError> {
        let arrays = (0..COUNT).map(|target| (target, array(target, jobs.iter().copied())));
        let arrays: Vec<_> = arrays.filter(|(_, (_, count))| *count > 0).collect();
        // All statements are sent before the first response arrives.
        let writing = join_all(
            arrays.iter().map(|(target, (rows, count))| self.affects_all(true, *target, rows, *count)),
        );
        let (begun, written) = join(self.client.batch_execute("BEGIN"), writing).await;
        begun?;
        let mut all = true;
        for is_written in written {
            match is_written {
                Ok(is_written) => all &= is_written,
                Err(error) if error.is_conflict() => {
                    all = false;
                    break; // the following statements fail because of this one
                }
                Err(error) => return Err(error),
            }
        }
        self.client.batch_execute(if all { "COMMIT" } else { "ROLLBACK" }).await?;
        Ok(all)
    }

    /// Writes `rows`, which must be new, and rolls back.
    ///
    /// # Errors
    ///
    /// The reason why they cannot be written.
    pub(super) async fn probe(&self, rows: &Rows) -> Result<(), PgError> {
        self.client.batch_execute("BEGIN").await?;
        let written = self.try_write(rows).await;
        self.client.batch_execute("ROLLBACK").await?;
        written.map(drop)
    }

    async fn write_separately(&self, job: &Rows) -> Result<Result<(), StoreError>, PgError> {
        self.client.batch_execute("SAVEPOINT job").await?;
        match self.try_write(job).await {
            Ok(None) => {
                self.client.batch_execute("RELEASE SAVEPOINT job").await?;
                Ok(Ok(()))
            }
            Ok(Some(reason)) => self.undo(StoreError::Conflict(reason)).await,
            Err(error) if error.is_conflict() => self.undo((&error).into()).await,
            Err(error) => Err(error),
        }
    }

    async fn undo(&self, error: StoreError) -> Result<Result<(), StoreError>, PgError> {
        tracing::error!(%error, "records conflict with stored rows and are refused");
        self.client.batch_execute("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job").await?;
        Ok(Err(error))
    }

    /// Writes the rows of one call; returns the conflict with stored rows if there is one.
    async fn try_write(&self, job: &Rows) -> Result<Option<String>, PgError> {
        for (target, Prepared { name, .. }) in self.statements.iter().enumerate() {
            let (rows, count) = array(target, [job]);
            if count > 0
                && !self.affects_all(true, target, &rows, count).await?
                && !self.affects_all(false, target, &rows, count).await?
            {
                return Ok(Some(match target == ENDS {
                    true => "an interception has an end record, but no start record".to_owned(),
                    false => format!("{name} has another row with this id"),
                }));
            }
        }
        Ok(None)
    }

    /// Whether the statement wrote, or else found, all `count` rows.
    async fn affects_all(&self, write: bool, target: usize, rows: &str, count: i64) -> Result<bool, PgError> {
        let Prepared { write: writing, find, .. } = &self.statements[target];
        let statement = if write { writing } else { find };
        let row = self.client.query_one(statement, &[&rows]).await?;
        Ok(row.try_get::<_, i64>(0)? == count)
    }
}
