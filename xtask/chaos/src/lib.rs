//! `cargo xtask chaos`: injects faults into the real binary under load, and compares the records with what clients received.
//!
//! It has no example, because the command is the only use of this crate: `cargo xtask chaos --short` shows it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a developer's tool uses its terminal, its environment and the wall clock"
)]

mod client;
mod database;
mod directory;
mod faults;
mod fleet;
mod load;
mod probe;
mod proxy;
mod readiness;
mod records;
mod report;
mod scene;

use aibridge_chaos_checker::Comparison;
use aibridge_testkit::Postgres;
use aibridge_workspace::gateway;
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use faults::{Fault, Intensity};
use futures_util::FutureExt;
use report::{Report, Run};
use scene::{Level, Scene, Setup, StoreKind};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most kills in one scene. Further kills run in further scenes, so that the check follows soon after a defect.
const KILLS_OF_SCENE: u32 = 50;

/// The options of the command.
#[derive(Args)]
pub struct Options {
    /// The number of kills in each fault that kills a gateway, for each database and level.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// The database; both if left out.
    #[arg(long, value_enum)]
    store: Vec<StoreKind>,
    /// The acknowledgement level (`store.durability`); all if left out.
    #[arg(long, value_enum, visible_alias = "durability")]
    level: Vec<Level>,
    /// The fault; all if left out.
    #[arg(long, value_enum)]
    fault: Vec<Fault>,
    /// The seed of all random choices: requests, moments, places.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of gateways on a PostgreSQL database.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    gateways: u8,
    /// The duration of a fault, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Runs the most informative faults briefly, as `cargo xtask ci` does.
    #[arg(long)]
    short: bool,
    /// Uses the optimised binary.
    #[arg(long)]
    release: bool,
    /// Tests this binary of the gateway instead of building one.
    #[arg(long, value_name = "PATH", conflicts_with = "release")]
    binary: Option<PathBuf>,
}

impl Options {
    /// The selected runs, in order.
    fn plan(&self) -> Vec<(StoreKind, Level, Fault)> {
        let (stores, levels, faults) = if self.short {
            (&[StoreKind::Sqlite, StoreKind::Postgres][..], &[Level::Process][..], &Fault::SHORT[..])
        } else {
            (StoreKind::value_variants(), Level::value_variants(), Fault::value_variants())
        };
        let stores = if self.store.is_empty() { stores } else { &self.store };
        let levels = if self.level.is_empty() { levels } else { &self.level };
        let faults = if self.fault.is_empty() { faults } else { &self.fault };
        let mut plan = Vec::new();
        for &store in stores {
            for &level in levels {
                let applicable = faults.iter().filter(|fault| fault.applies_to(store, level));
                plan.extend(applicable.map(|&fault| (store, level, fault)));
            }
        }
        plan
    }

    fn intensity(&self) -> Intensity {
        if self.short {
            return Intensity { kills: 4, duration: Duration::from_millis(800) };
        }
        Intensity { kills: self.kills, duration: Duration::from_secs_f64(self.seconds) }
    }
}

/// Runs the faults one after the other and prints a line for each, then a table.
///
/// # Errors
///
/// If a record was lost or doubled, or another promise was broken.
pub async fn run(options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => binary.canonicalize().with_context(|| binary.display().to_string())?,
        None => gateway::build(options.release)?,
    };
    let mut plan = options.plan();
    let has_postgres = Postgres::start().await.is_some();
    if !has_postgres {
        println!("chaos: left out PostgreSQL, because it is not installed");
        plan.retain(|(store, ..)| *store != StoreKind::Postgres);
    }
    ensure!(!plan.is_empty(), "no fault applies to these databases and levels");
    // A scene that panics is a result, which the report prints; a backtrace would hide it.
    std::panic::set_hook(Box::new(|_| {}));
    let mut report = Report::default();
    for (store, level, fault) in plan {
        let run = run_fault(options, &binary, store, level, fault).await;
        run.print_progress();
        report.add(run);
    }
    report.print();
    let broken = report.count_broken();
    println!("\nchaos: {} passed, {broken} failed", report.len() - broken);
    ensure!(
        broken == 0,
        "the gateway broke its promises; repeat a run with --fault, --store, --level and --seed"
    );
    Ok(())
}

/// Runs one fault, in as many scenes as its kills need.
async fn run_fault(options: &Options, binary: &Path, store: StoreKind, level: Level, fault: Fault) -> Run {
    let mut run = Run::new(fault, store, level, options.seed);
    let mut intensity = options.intensity();
    let mut left = intensity.kills;
    for scene in 0.. {
        intensity.kills = left.min(KILLS_OF_SCENE);
        let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(scene);
        let gateways = options.gateways.into();
        let setup = Setup {
            binary,
            store,
            level,
            gateways,
            seed,
            disk_bytes: None,
            journal_bytes: None,
            pause: Duration::ZERO,
        };
        // A scene panics on an unexpected state. The panic is the result of this run, and the other runs continue.
        match AssertUnwindSafe(run_scene(setup, fault, intensity)).catch_unwind().await {
            Ok(Ok((figures, comparison))) => run.add(fault.may_refuse(level), figures, comparison),
            Ok(Err(error)) => run.stop(format!("{error:#}")),
            Err(panic) => run.stop(panic_message(&*panic)),
        }
        left -= intensity.kills;
        if left == 0 || !fault.kills_gateways() || run.is_stopped() {
            break;
        }
    }
    run
}

async fn run_scene(
    setup: Setup<'_>,
    fault: Fault,
    intensity: Intensity,
) -> Result<(scene::Figures, Comparison)> {
    let mut scene = Scene::start(fault.prepare(setup)).await?;
    let injected = fault.inject(&mut scene, intensity).await;
    let result = scene.finish().await;
    injected.map(|()| result)
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
