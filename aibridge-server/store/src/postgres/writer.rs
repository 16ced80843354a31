use super::error::PgError;
use super::link::Link;
use super::rows::Rows;
use super::session::Verdicts;
use super::spool::Spool;
use crate::StoreError;
use crate::job::{Job, Queue};
use crate::observe::CommitObserver;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// How many callers may wait for their turn before further ones wait outside. Each is a request that the gateway
/// holds in memory anyhow; with more than this ahead, a start would not be stored in time.
pub(super) const QUEUE: usize = 1024;

/// How many callers share a commit at most, so that the first of them does not wait long for the last.
const BATCH: usize = 256;

/// How many bytes of rows, about, before the next transaction begins: prompts may be long.
const BATCH_BYTES: usize = 8 << 20;

/// All rows of one caller. Without rows, the caller wants to know whether some would be stored.
pub(super) type Write = Job<Rows, ()>;

/// The only writer of records. Whatever has queued up while it wrote becomes its next transaction: the busier the
/// gateway, the more callers share a commit.
pub(super) struct Writer {
    link: Link,
    spool: Option<Spool>,
    /// How long the database may take for a transaction, and how long it may be away before callers are refused at
    /// once.
    limit: Duration,
    commits: Arc<CommitObserver>,
    /// All rows of an interception that never happened.
    probe: Rows,
    /// Since when the database does not write; only a change is worth a line in the log.
    away_since: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        link: Link,
        spool: Option<Spool>,
        limit: Duration,
        commits: Arc<CommitObserver>,
        probe: Rows,
    ) -> Self {
        Self { link, spool, limit, commits, probe, away_since: None }
    }

    /// Serves until the queue is closed and empty.
    pub(super) async fn run(mut self, mut queue: Queue<Rows, ()>) {
        while let Some(jobs) = queue.arrived(BATCH).await {
            let (probes, mut jobs): (Vec<_>, Vec<_>) =
                jobs.into_iter().partition(|job| job.question.is_empty());
            while !jobs.is_empty() {
                let later = jobs.split_off(share(&jobs));
                match self.spool.clone() {
                    Some(spool) => self.serve_with(&spool, jobs).await,
                    None => self.serve(jobs).await,
                }
                jobs = later;
            }
            if !probes.is_empty() {
                let probed = self.probe().await;
                probes.into_iter().for_each(|probe| probe.answer(probed.clone()));
            }
        }
    }

    /// Writes what requests write, on the connection on which they write it, and undoes it.
    async fn probe(&mut self) -> Result<(), StoreError> {
        let probed = match self.link.session().await {
            Err(trouble) => Err(trouble),
            Ok(session) => {
                let probed = timeout(self.limit, session.probe(&self.probe)).await;
                let probed = probed.unwrap_or(Err(PgError::Silent(self.limit)));
                if let Err(trouble @ PgError::Silent(_)) = &probed {
                    self.link.failed(trouble); // a transaction may be open
                }
                probed
            }
        };
        probed.map_err(|trouble| StoreError::from(&trouble))
    }

    /// Tries again as long as somebody waits, unless the database has been away for long.
    async fn serve(&mut self, mut jobs: Vec<Write>) {
        loop {
            jobs.retain(|job| !job.is_abandoned());
            if jobs.is_empty() {
                return;
            }
            match self.write(&jobs).await {
                Ok(verdicts) => return answer(jobs, verdicts),
                Err(trouble) => {
                    let refuse_at = self.away_since.unwrap_or_else(Instant::now) + self.limit;
                    if Instant::now() >= refuse_at {
                        let error = StoreError::from(&trouble);
                        return jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
                    }
                    let _ = timeout_at(refuse_at, self.link.rested()).await;
                }
            }
        }
    }

    /// What is in the spool comes first: while there is anything, all goes there.
    async fn serve_with(&mut self, spool: &Spool, mut jobs: Vec<Write>) {
        jobs.retain(|job| !job.is_abandoned());
        if jobs.is_empty() {
            return;
        }
        if spool.is_empty() {
            if self.away_since.is_some() {
                self.link.worked(); // or it would not be drained
            }
            if let Ok(verdicts) = self.write(&jobs).await {
                return answer(jobs, verdicts);
            }
        }
        spool.put(jobs).await;
    }

    async fn write(&mut self, jobs: &[Write]) -> Result<Verdicts, PgError> {
        let rows: Vec<&Rows> = jobs.iter().map(|job| &job.question).collect();
        let began = Instant::now();
        let session = self.link.session().await;
        let written = match session {
            Err(trouble) => Err(trouble),
            Ok(session) => {
                let written = timeout(self.limit, session.write(&rows)).await;
                let written = written.unwrap_or(Err(PgError::Silent(self.limit)));
                match &written {
                    Ok(_) => self.link.worked(),
                    Err(trouble) => self.link.failed(trouble),
                }
                written
            }
        };
        if written.is_ok() {
            self.commits.committed(began.elapsed());
        }
        self.tell(&written, began);
        written
    }

    fn tell(&mut self, written: &Result<Verdicts, PgError>, began: Instant) {
        match written {
            Ok(_) if self.away_since.take().is_some() => tracing::info!("the store accepts records again"),
            Err(error) if self.away_since.is_none() => {
                let instead = if self.spool.is_some() { "they go to the spool" } else { "they wait" };
                tracing::error!(%error, "the store does not accept records: {instead}");
                self.away_since = Some(began);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// How many of the jobs make one transaction; at least one.
fn share(jobs: &[Write]) -> usize {
    let mut bytes = 0;
    let fits = |job: &&Write| {
        bytes += job.question.size();
        bytes <= BATCH_BYTES
    };
    jobs.iter().take_while(fits).count().max(1)
}

fn answer(jobs: Vec<Write>, verdicts: Verdicts) {
    for (job, verdict) in jobs.into_iter().zip(verdicts) {
        job.answer(verdict);
    }
}
