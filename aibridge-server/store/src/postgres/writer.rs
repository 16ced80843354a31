//! The writer task: stores the queued records of many calls in one transaction, or in the spool.

use super::error::PgError;
use super::reconnecting::Reconnecting;
use super::rows::{Rows, WriteJob};
use super::session::WriteResults;
use super::spool::Spool;
use crate::StoreError;
use crate::job::JobReceiver;
use crate::observe::CommitObserver;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Bound of the queue; further callers wait for room. Each caller is a request that the gateway holds in memory
/// anyhow. With more than this ahead, a start would not be stored in time.
pub(super) const QUEUE: usize = 1024;

/// Maximum number of calls in one commit, so that the first of them does not wait long for the last.
const BATCH: usize = 256;

/// Approximate size in bytes of the rows of one transaction: prompts may be long.
const BATCH_BYTES: usize = 8 << 20;

/// The only writer of records. The records that queued up during a transaction are stored in the next one: the busier
/// the gateway, the more calls share a commit.
pub(super) struct Writer {
    connection: Reconnecting,
    spool: Option<Spool>,
    /// Time limit for a transaction, and time for which the database may be unavailable before calls are refused at
    /// once.
    limit: Duration,
    commits: Arc<CommitObserver>,
    /// The rows of a probe.
    probe: Rows,
    /// The time since when the database fails; only a change is logged.
    unavailable_since: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        connection: Reconnecting,
        spool: Option<Spool>,
        limit: Duration,
        commits: Arc<CommitObserver>,
        probe: Rows,
    ) -> Self {
        Self { connection, spool, limit, commits, probe, unavailable_since: None }
    }

    /// Serves jobs until the queue is closed and empty.
    pub(super) async fn run(mut self, mut queue: JobReceiver<Rows, ()>) {
        while let Some(jobs) = queue.next(BATCH).await {
            let (probes, mut jobs): (Vec<_>, Vec<_>) =
                jobs.into_iter().partition(|job| job.request.is_empty());
            while !jobs.is_empty() {
                let later = jobs.split_off(transaction_len(&jobs));
                match self.spool.clone() {
                    Some(spool) => self.serve_with_spool(&spool, jobs).await,
                    None => self.serve(jobs).await,
                }
                jobs = later;
            }
            if !probes.is_empty() {
                let probed = self.probe().await;
                probes.into_iter().for_each(|probe| probe.respond(probed.clone()));
            }
        }
    }

    /// Writes the rows of a probe on the connection for records, and rolls back.
    async fn probe(&mut self) -> Result<(), StoreError> {
        let probed = match self.connection.session().await {
            Err(error) => Err(error),
            Ok(session) => {
                let probed = timeout(self.limit, session.probe(&self.probe)).await;
                let probed = probed.unwrap_or(Err(PgError::TimedOut(self.limit)));
                if let Err(error @ PgError::TimedOut(_)) = &probed {
                    self.connection.mark_failed(error); // a transaction may be open
                }
                probed
            }
        };
        probed.map_err(|error| StoreError::from(&error))
    }

    /// Retries while a caller waits, unless the database has been unavailable for longer than the limit.
    async fn serve(&mut self, mut jobs: Vec<WriteJob>) {
        loop {
            jobs.retain(|job| !job.is_abandoned());
            if jobs.is_empty() {
                return;
            }
            match self.write(&jobs).await {
                Ok(results) => return respond(jobs, results),
                Err(error) => {
                    let refuse_at = self.unavailable_since.unwrap_or_else(Instant::now) + self.limit;
                    if Instant::now() >= refuse_at {
                        let error = StoreError::from(&error);
                        return jobs.into_iter().for_each(|job| job.respond(Err(error.clone())));
                    }
                    let _ = timeout_at(refuse_at, self.connection.backoff()).await;
                }
            }
        }
    }

    /// Spooled records come first: while the spool is not empty, all records go there.
    async fn serve_with_spool(&mut self, spool: &Spool, mut jobs: Vec<WriteJob>) {
        jobs.retain(|job| !job.is_abandoned());
        if jobs.is_empty() {
            return;
        }
        if spool.is_empty() {
            if self.unavailable_since.is_some() {
                self.connection.mark_healthy(); // the spool is empty, so the drain task reached the database
            }
            if let Ok(results) = self.write(&jobs).await {
                return respond(jobs, results);
            }
        }
        spool.append(jobs).await;
    }

    async fn write(&mut self, jobs: &[WriteJob]) -> Result<WriteResults, PgError> {
        let rows: Vec<&Rows> = jobs.iter().map(|job| &job.request).collect();
        let began = Instant::now();
        let session = self.connection.session().await;
        let written = match session {
            Err(error) => Err(error),
            Ok(session) => {
                let written = timeout(self.limit, session.write(&rows)).await;
                let written = written.unwrap_or(Err(PgError::TimedOut(self.limit)));
                match &written {
                    Ok(_) => self.connection.mark_healthy(),
                    Err(error) => self.connection.mark_failed(error),
                }
                written
            }
        };
        if written.is_ok() {
            self.commits.committed(began.elapsed());
        }
        self.log_state_change(&written, began);
        written
    }

    fn log_state_change(&mut self, written: &Result<WriteResults, PgError>, began: Instant) {
        match written {
            Ok(_) if self.unavailable_since.take().is_some() => {
                tracing::info!("the store accepts records again")
            }
            Err(error) if self.unavailable_since.is_none() => {
                let instead = if self.spool.is_some() { "records go to the spool" } else { "requests wait" };
                tracing::error!(%error, "the store does not accept records; {instead}");
                self.unavailable_since = Some(began);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Number of jobs in the next transaction; at least one.
fn transaction_len(jobs: &[WriteJob]) -> usize {
    let mut bytes = 0;
    let fits = |job: &&WriteJob| {
        bytes += job.request.size();
        bytes <= BATCH_BYTES
    };
    jobs.iter().take_while(fits).count().max(1)
}

fn respond(jobs: Vec<WriteJob>, results: WriteResults) {
    for (job, result) in jobs.into_iter().zip(results) {
        job.respond(result);
    }
}
