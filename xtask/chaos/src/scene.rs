//! A scene: a database, gateways, a provider and clients under one fault, with its figures.

use super::database::Database;
use super::directory::Directory;
use super::fleet::{Member, Template};
use super::load::{self, Load};
use super::records;
use aibridge_chaos_checker::{Comparison, Ledger, compare};
use aibridge_testkit::ScriptedProvider;
use anyhow::Result;
use fastrand::Rng;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The longest time after a fault until all records are in the database and nothing is open.
const SETTLE_LIMIT: Duration = Duration::from_secs(120);

/// The number of waiting records below which the database counts as up to date under load.
const CLOSE_LAG: u64 = 500;

/// The time between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The point at which a record counts as durable: the setting `store.durability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Level {
    Process,
    Power,
    Database,
}

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum StoreKind {
    Sqlite,
    Postgres,
}

/// The configuration of a scene.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup<'a> {
    pub(super) binary: &'a Path,
    pub(super) store: StoreKind,
    pub(super) level: Level,
    pub(super) gateways: usize,
    pub(super) seed: u64,
    /// The size of the disk in bytes; `None` for the usual disk.
    pub(super) disk_bytes: Option<u64>,
    /// The setting `store.journal_max_bytes`; `None` for its default.
    pub(super) journal_bytes: Option<u64>,
    /// The pause of each of the usual clients after a response.
    pub(super) pause: Duration,
}

/// The figures of a scene that the checker does not compute.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) kills: usize,
    /// The times from the start of a gateway's process until it listened.
    pub(super) starts: Vec<Duration>,
    /// The slowest catch-up, in interceptions per second.
    pub(super) catch_up: Option<f64>,
    /// The 99th percentile of the latency, in the worst phase.
    pub(super) p99: Option<Duration>,
    /// The number of whole responses that the damage of a fault may cost.
    pub(super) loss_allowed: usize,
    /// Facts worth a line below the table.
    pub(super) notes: Vec<String>,
    /// Promises that were broken, besides those that the checker finds.
    pub(super) broken: Vec<String>,
}

/// A scene. The fields are dropped in this order: gateways before what they use.
pub(super) struct Scene {
    pub(super) members: Vec<Member>,
    load: Option<Load>,
    pause: Duration,
    pub(super) ledger: Arc<Ledger>,
    pub(super) rng: Rng,
    pub(super) level: Level,
    pub(super) figures: Figures,
    pub(super) database: Database,
    pub(super) directory: Directory,
    _provider: ScriptedProvider,
}

impl Scene {
    /// Starts everything, and the load.
    pub(super) async fn start(setup: Setup<'_>) -> Result<Self> {
        let directory = match setup.disk_bytes {
            Some(bytes) => Directory::small(bytes)?,
            None => Directory::new()?,
        };
        let database = match setup.store {
            StoreKind::Sqlite => Database::sqlite(directory.path()),
            StoreKind::Postgres => Database::postgres().await?,
        };
        let ledger = Arc::new(Ledger::new(setup.seed));
        let provider = load::provider(&ledger).await;
        let template = Template {
            binary: setup.binary,
            store_url: database.url(),
            provider_url: provider.base_url(),
            store_settings: setup.store_settings(),
        };
        // Several processes on one SQLite file are not supported, and the journal is beside the file.
        let count = if setup.store == StoreKind::Sqlite { 1 } else { setup.gateways };
        let member = |at| match setup.store {
            StoreKind::Sqlite => Member::new(&template, directory.path().join("aibridge.db.journal"), ""),
            StoreKind::Postgres => {
                let journal = directory.path().join(format!("journal-{at}"));
                let setting = format!("journal = \"{}\"\n", journal.display());
                Member::new(&template, journal, &setting)
            }
        };
        let members: Vec<Member> = (0..count).map(member).collect();
        let mut scene = Self {
            members,
            load: None,
            pause: setup.pause,
            ledger,
            rng: Rng::with_seed(setup.seed),
            level: setup.level,
            figures: Figures::default(),
            database,
            directory,
            _provider: provider,
        };
        for at in 0..count {
            scene.start_member(at).await;
        }
        scene.start_load();
        Ok(scene)
    }

    /// Starts the usual clients.
    pub(super) fn start_load(&mut self) {
        let gateways: Vec<_> = self.members.iter().map(Member::target).collect();
        self.load = Some(Load::start(&self.ledger, &gateways, self.pause));
    }

    /// Adds a client with prompts of `bytes`, which pauses after each response.
    pub(super) fn add_large_client(&mut self, bytes: usize, pause: Duration) {
        let gateway = self.members[0].target();
        if let Some(load) = &mut self.load {
            load.add(&self.ledger, &gateway, Some(bytes), pause);
        }
    }

    /// Stops the clients, each after its current response.
    pub(super) async fn stop_load(&mut self) {
        if let Some(load) = self.load.take() {
            load.stop().await;
        }
        self.note_latency();
    }

    /// Computes the 99th percentile since the last call, keeps it if it is the highest so far, and returns it.
    pub(super) fn note_latency(&mut self) -> Option<Duration> {
        let latencies = self.ledger.take_latencies();
        let p99 = latencies.get(latencies.len() * 99 / 100).copied();
        self.figures.p99 = self.figures.p99.max(p99);
        p99
    }

    /// Starts gateway `at`, which does not run.
    pub(super) async fn start_member(&mut self, at: usize) {
        let took = self.members[at].start().await;
        self.figures.starts.push(took);
    }

    /// Kills gateway `at` and starts it again.
    pub(super) async fn kill(&mut self, at: usize) {
        self.members[at].kill().await;
        self.figures.kills += 1;
        self.start_member(at).await;
    }

    /// A random duration within `range` milliseconds.
    pub(super) fn random_time(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.u64(range))
    }

    /// Waits until clients have received `count` more whole responses. A timeout counts as a broken promise.
    pub(super) async fn wait_for_responses(&mut self, count: usize) {
        let target = self.ledger.whole() + count;
        let ledger = Arc::clone(&self.ledger);
        if wait(SETTLE_LIMIT, async || ledger.whole() >= target).await.is_none() {
            self.note_broken_promise(format!("no {count} whole responses within {SETTLE_LIMIT:?}"));
        }
    }

    /// Records a broken promise.
    pub(super) fn note_broken_promise(&mut self, promise: String) {
        self.figures.broken.push(promise);
    }

    /// Records a broken promise unless gateway `at` reports `ready` within `limit`.
    pub(super) async fn expect_ready(&mut self, at: usize, ready: bool, limit: Duration) {
        let member = &self.members[at];
        let is_as_expected = wait(limit, async || member.is_ready().await.is_ok_and(|is| is == ready)).await;
        if is_as_expected.is_none() {
            let state = if ready { "unready" } else { "ready" };
            self.note_broken_promise(format!("/readyz of gateway {at} was still {state} after {limit:?}"));
        }
    }

    /// The number of records that are acknowledged and not in the database, over all gateways that respond.
    pub(super) async fn lag(&self) -> u64 {
        let mut lag = 0;
        for member in &self.members {
            lag += member.lag().await.unwrap_or(u64::MAX / 8);
        }
        lag
    }

    /// Waits until the database is up to date while the load continues. Returns the time that this took.
    pub(super) async fn wait_projected_under_load(&mut self) -> Duration {
        let scene = &*self;
        let took = wait(SETTLE_LIMIT, async || scene.lag().await < CLOSE_LAG).await;
        took.unwrap_or_else(|| {
            self.note_broken_promise(format!(
                "the database does not catch up under load within {SETTLE_LIMIT:?}"
            ));
            SETTLE_LIMIT
        })
    }

    /// Waits until the database has every record. Returns the time that this took.
    pub(super) async fn wait_projected(&mut self) -> Duration {
        let scene = &*self;
        let took = wait(SETTLE_LIMIT, async || scene.lag().await == 0).await;
        took.unwrap_or_else(|| {
            self.note_broken_promise(format!("records are not in the database after {SETTLE_LIMIT:?}"));
            SETTLE_LIMIT
        })
    }

    /// Stops the load, waits until nothing is left to be projected or open, and compares.
    pub(super) async fn finish(mut self) -> (Figures, Comparison) {
        self.stop_load().await;
        self.wait_projected().await;
        let database = &self.database;
        wait(SETTLE_LIMIT, async || database.open_interceptions().await == 0).await; // else the checker names them
        let records = records::read(&self.database).await;
        let comparison = compare(&self.ledger.requests(), &records);
        for member in &mut self.members {
            member.stop().await;
            self.figures.broken.extend(member.contradictions());
        }
        (self.figures, comparison)
    }
}

impl Setup<'_> {
    fn store_settings(&self) -> String {
        let level = match self.level {
            Level::Process => "process",
            Level::Power => "power",
            Level::Database => "database",
        };
        let limit = self.journal_bytes.map(|bytes| format!("journal_max_bytes = {bytes}\n"));
        // A busy machine is no fault, so the limit is long. At the level `database`, an outage exceeds the limit, and
        // that refuses requests.
        let time_limit = if self.level == Level::Database { "2s" } else { "10s" };
        format!("durability = \"{level}\"\ntimeout = \"{time_limit}\"\n{}", limit.unwrap_or_default())
    }
}

/// Waits until `condition` is true. Returns the time that this took, or `None` after `limit`.
pub(super) async fn wait(limit: Duration, mut condition: impl AsyncFnMut() -> bool) -> Option<Duration> {
    let began = Instant::now();
    while !condition().await {
        if began.elapsed() > limit {
            return None;
        }
        sleep(POLL_INTERVAL).await;
    }
    Some(began.elapsed())
}
