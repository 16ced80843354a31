use super::error::PgError;
use super::rows::{Rows, array};
use super::table::TABLES;
use crate::StoreError;
use futures_util::future::{join, join_all, try_join_all};
use tokio_postgres::{Client, Statement};

/// A connection that knows how to write rows.
pub(super) struct Session {
    pub(super) client: Client,
    statements: Vec<Prepared>,
}

struct Prepared {
    name: &'static str,
    write: Statement,
    find: Statement,
}

/// What became of the rows of each caller.
pub(super) type WriteResults = Vec<Result<(), StoreError>>;

impl Session {
    pub(super) async fn new(client: Client) -> Result<Self, PgError> {
        let prepare = async |(at, table): (usize, &super::table::Table)| {
            let sql = table.sql(at);
            let (write, find) = join(client.prepare(&sql.write), client.prepare(&sql.find)).await;
            Ok::<_, PgError>(Prepared { name: table.name(), write: write?, find: find? })
        };
        let statements = try_join_all(TABLES.iter().enumerate().map(prepare)).await?;
        Ok(Self { client, statements })
    }

    /// Writes the rows of all callers in one transaction. Rows that are there already, exactly as they are, count as
    /// stored: then an earlier try succeeded, of which nobody heard. A contradiction fails only the caller whose it is.
    ///
    /// Contradictions are not expected: only when there may be one, each caller's rows are written so that they can be
    /// undone alone.
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

    /// Writes all rows at once; `false`, and nothing is written, if one of them is there already or cannot be.
    async fn write_together(&self, jobs: &[&Rows]) -> Result<bool, PgError> {
        let arrays = (0..TABLES.len()).map(|table| (table, array(table, jobs.iter().copied())));
        let arrays: Vec<_> = arrays.filter(|(_, (_, count))| *count > 0).collect();
        // All are sent before the first is answered.
        let writing = join_all(
            arrays.iter().map(|(table, (rows, count))| self.is_true_of_all(true, *table, rows, *count)),
        );
        let (begun, written) = join(self.client.batch_execute("BEGIN"), writing).await;
        begun?;
        let mut all = true;
        for is_written in written {
            match is_written {
                Ok(is_written) => all &= is_written,
                Err(error) if error.is_conflict() => {
                    all = false;
                    break; // what follows fails for that
                }
                Err(error) => return Err(error),
            }
        }
        self.client.batch_execute(if all { "COMMIT" } else { "ROLLBACK" }).await?;
        Ok(all)
    }

    /// Writes `rows`, which are not there yet, and undoes it.
    ///
    /// # Errors
    ///
    /// Why they cannot be written.
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
        tracing::error!(%error, "records contradict what is stored, and are refused");
        self.client.batch_execute("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job").await?;
        Ok(Err(error))
    }

    /// Why the rows of one caller contradict what is stored, if they do.
    async fn try_write(&self, job: &Rows) -> Result<Option<String>, PgError> {
        for (table, Prepared { name, .. }) in self.statements.iter().enumerate() {
            let (rows, count) = array(table, [job]);
            if count > 0
                && !self.is_true_of_all(true, table, &rows, count).await?
                && !self.is_true_of_all(false, table, &rows, count).await?
            {
                return Ok(Some(match table == super::table::ENDS {
                    true => "an interception ended, but never started".to_owned(),
                    false => format!("{name} has another row with this id"),
                }));
            }
        }
        Ok(None)
    }

    /// Whether all of the `count` rows were written, or else found.
    async fn is_true_of_all(
        &self,
        write: bool,
        table: usize,
        rows: &str,
        count: i64,
    ) -> Result<bool, PgError> {
        let Prepared { write: writing, find, .. } = &self.statements[table];
        let statement = if write { writing } else { find };
        let row = self.client.query_one(statement, &[&rows]).await?;
        Ok(row.try_get::<_, i64>(0)? == count)
    }
}
