//! The faults, by name: the effect of each, the databases and levels to which it applies, and the refusals that it permits.

mod backlog;
mod damage;
mod kills;
mod large;
mod network;
mod outage;
mod space;

use super::scene::{Level, Scene, Setup, StoreKind};
use anyhow::Result;
use clap::ValueEnum;
use outage::Outage;
use std::time::Duration;

/// The intensity of a fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intensity {
    /// The number of kills of a fault that kills.
    pub(super) kills: u32,
    /// The duration of a fault.
    pub(super) duration: Duration,
}

/// A fault that the run injects under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Fault {
    /// A gateway is killed at random moments, at times again while it starts.
    Kills,
    /// A gateway with unprojected records is killed again and again while it recovers and projects.
    KillsInRecovery,
    /// The database is shut down.
    Stopped,
    /// The database is shut down and started at once, three times.
    Restarted,
    /// The database is shut down once, while clients send 64 requests per second. Use it with `--seconds 3600`.
    LongOutage,
    /// The database ends as in a crash.
    Crashed,
    /// All processes of the database are killed.
    Killed,
    /// All processes of the database are stopped (SIGSTOP).
    Frozen,
    /// The database refuses every write.
    ReadOnly,
    /// Another process holds the write lock of the SQLite file.
    Locked,
    /// Each message to the database takes two seconds.
    SlowStatements,
    /// Each message to the database takes 5 ms.
    RoundTrip5,
    /// Each message to the database takes 50 ms.
    RoundTrip50,
    /// The database commits, and its response is lost.
    LostCommit,
    /// A byte of the journal is flipped while the gateway does not run.
    FlippedAtRest,
    /// A byte of the journal is flipped while the gateway runs, in a file that it still has to read.
    FlippedLive,
    /// The file that the journal writes is removed.
    RemovedFile,
    /// The directory of the journal is removed.
    RemovedDirectory,
    /// The disk has no space left.
    FullDisk,
    /// The journal has reached `store.journal_max_bytes`.
    FullJournal,
    /// One client sends prompts of 60 MB.
    LargePrompts,
    /// The journal holds 30,000 interceptions when the gateway starts. Measures how fast they reach the database.
    Backlog,
    /// The same as `backlog`, while each message to the database takes 5 ms.
    Backlog5,
    /// The same as `backlog`, while each message to the database takes 50 ms.
    Backlog50,
}

/// The size of the small disk in bytes: two files of the journal and the files of a database.
const SMALL_DISK: u64 = 320 << 20;

/// The limit of a journal that a fault fills, in bytes.
const SMALL_JOURNAL: u64 = 8 << 20;

/// The limit of a journal that holds the records of hours, in bytes.
const LARGE_JOURNAL: u64 = 8 << 30;

/// The pause of each client after a response, for a steady load of four requests a second each.
const STEADY_PAUSE: Duration = Duration::from_millis(250);

impl Fault {
    /// The faults of a short run.
    pub(super) const SHORT: [Self; 5] =
        [Self::Kills, Self::KillsInRecovery, Self::Stopped, Self::LostCommit, Self::FlippedAtRest];

    /// Whether the fault kills gateways, so that the number of kills applies.
    pub(super) fn kills_gateways(self) -> bool {
        matches!(self, Self::Kills | Self::KillsInRecovery)
    }

    /// Whether the fault is possible with this database at this level.
    pub(super) fn applies_to(self, store: StoreKind, level: Level) -> bool {
        // At the level `database`, a record is acknowledged after its commit, so the journal has no backlog.
        let has_backlog = level != Level::Database;
        match self {
            Self::Kills
            | Self::LargePrompts
            | Self::Backlog
            | Self::FullDisk
            | Self::RemovedFile
            | Self::RemovedDirectory => true,
            Self::LongOutage => has_backlog && store == StoreKind::Postgres,
            Self::KillsInRecovery | Self::FlippedAtRest | Self::FlippedLive | Self::FullJournal => {
                has_backlog
            }
            Self::Locked => store == StoreKind::Sqlite,
            _ => store == StoreKind::Postgres,
        }
    }

    /// Whether requests may be refused.
    pub(super) fn may_refuse(self, level: Level) -> bool {
        match self {
            Self::FullDisk | Self::FullJournal | Self::RemovedFile | Self::RemovedDirectory => true,
            Self::Kills
            | Self::KillsInRecovery
            | Self::LargePrompts
            | Self::Backlog
            | Self::Backlog5
            | Self::Backlog50 => false,
            _ => level == Level::Database,
        }
    }

    /// `setup` with the disk, the limits and the number of gateways that the fault needs.
    pub(super) fn prepare(self, mut setup: Setup<'_>) -> Setup<'_> {
        match self {
            Self::FullDisk => setup.disk_bytes = Some(SMALL_DISK),
            Self::FullJournal => setup.journal_bytes = Some(SMALL_JOURNAL),
            Self::LongOutage => {
                setup.journal_bytes = Some(LARGE_JOURNAL);
                setup.pause = STEADY_PAUSE;
            }
            _ => {}
        }
        let one_gateway = [
            Self::FullDisk,
            Self::FullJournal,
            Self::FlippedAtRest,
            Self::FlippedLive,
            Self::RemovedFile,
            Self::RemovedDirectory,
            Self::LargePrompts,
            Self::Backlog,
            Self::Backlog5,
            Self::Backlog50,
        ];
        if one_gateway.contains(&self) {
            setup.gateways = 1;
        }
        setup
    }

    /// Injects the fault into `scene`, under load.
    pub(super) async fn inject(self, scene: &mut Scene, intensity: Intensity) -> Result<()> {
        let Intensity { kills, duration } = intensity;
        match self {
            Self::Kills => kills::at_random_moments(scene, kills).await,
            Self::KillsInRecovery => kills::in_recovery(scene, kills, duration).await?,
            Self::Stopped => outage::twice(scene, Outage::Stopped, duration).await?,
            Self::LongOutage => outage::once(scene, Outage::Stopped, duration).await?,
            Self::Restarted => outage::restarts(scene, duration).await?,
            Self::Crashed => outage::twice(scene, Outage::Crashed, duration).await?,
            Self::Killed => outage::twice(scene, Outage::Killed, duration).await?,
            Self::Frozen => outage::twice(scene, Outage::Frozen, duration).await?,
            Self::ReadOnly => outage::twice(scene, Outage::ReadOnly, duration).await?,
            Self::Locked => outage::twice(scene, Outage::Locked, duration).await?,
            Self::SlowStatements => network::slow_statements(scene, duration).await?,
            Self::RoundTrip5 => network::round_trip(scene, Duration::from_millis(5), duration).await?,
            Self::RoundTrip50 => network::round_trip(scene, Duration::from_millis(50), duration).await?,
            Self::LostCommit => network::lost_commits(scene).await?,
            Self::FlippedAtRest => damage::flipped_at_rest(scene).await?,
            Self::FlippedLive => damage::flipped_live(scene).await?,
            Self::RemovedFile => damage::removed(scene, damage::remove_last_file).await?,
            Self::RemovedDirectory => damage::removed(scene, damage::remove_directory).await?,
            Self::FullDisk => space::full_disk(scene, duration).await?,
            Self::FullJournal => space::full_journal(scene, duration).await?,
            Self::LargePrompts => large::compare_latency(scene, duration).await,
            Self::Backlog => backlog::measure(scene, None).await?,
            Self::Backlog5 => backlog::measure(scene, Some(Duration::from_millis(5))).await?,
            Self::Backlog50 => backlog::measure(scene, Some(Duration::from_millis(50))).await?,
        }
        Ok(())
    }
}
