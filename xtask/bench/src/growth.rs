//! Measures the growth of the cost of a request.

use super::Options;
use super::figure::{Figure, Goal, Spread};
use super::gateway::{Gateway, Mode};
use super::lab::Lab;
use super::memory::fits;
use super::report::Report;
use super::target::{RELAY, Target};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Measures the CPU time of a request by its size and by the number of messages, tools, streams, keys and stored records.
pub(super) fn measure(lab: &Lab, options: &Options) -> Result<Report> {
    let mut report = Report::default();
    let take = |list: &[usize]| list[..if options.smoke { 1 } else { list.len() }].to_vec();
    let gateway = || Gateway::new(Mode::Relay);
    let target = gateway().start(lab)?;
    for bytes in take(&[1_000, 10_000, 100_000, 1_000_000, 10_000_000]) {
        measure_point(
            lab,
            options,
            &mut report,
            &target,
            format!("{} KB of request", bytes / 1000),
            &[format!("--size={bytes}")],
        )?;
    }
    for messages in take(&[2, 20, 200, 500]) {
        let request = [format!("--messages={messages}"), "--size=100000".into(), "--tools=0".into()];
        measure_point(
            lab,
            options,
            &mut report,
            &target,
            format!("{messages} messages in 100 KB"),
            &request,
        )?;
    }
    for tools in take(&[0, 10, 50, 90]) {
        let request = [format!("--tools={tools}"), "--size=100000".into(), "--messages=2".into()];
        measure_point(lab, options, &mut report, &target, format!("{tools} tools in 100 KB"), &request)?;
    }
    for streams in take(&[1, 100, 1_000, 5_000]).into_iter().filter(|streams| fits(*streams)) {
        let hold = ["--mode=hold", "--events=1000000", "--pace-us=60000000"].map(String::from);
        let mut clients =
            lab.clients(&target, &[&hold[..], &[format!("--connections={streams}")]].concat())?;
        clients.line()?;
        measure_point(lab, options, &mut report, &target, format!("{streams} open streams"), &[])?;
    }
    drop(target);
    for keys in take(&[1, 10, 100, 1_000]) {
        let target = gateway().with_keys(keys).start(lab)?;
        measure_point(lab, options, &mut report, &target, format!("{keys} keys"), &[])?;
    }
    for rows in take(&[1_000, 100_000, 1_000_000]) {
        let target = gateway().start_on(lab, |store| fill(store, rows))?;
        measure_point(lab, options, &mut report, &target, format!("{rows} stored interceptions"), &[])?;
    }
    Ok(report)
}

fn measure_point(
    lab: &Lab,
    options: &Options,
    report: &mut Report,
    target: &Target,
    name: String,
    request: &[String],
) -> Result<()> {
    if !options.includes(&name) {
        return Ok(());
    }
    let arguments = [&[format!("--seconds={}", options.window().as_secs_f64())], request].concat();
    let mut runs = Vec::new();
    for _ in 0..options.runs() {
        let (result, used) = lab.load_and_cpu(target, &arguments)?;
        runs.push(
            used.as_secs_f64() * 1e6
                / result["requests"].as_f64().context("the load generator counted no requests")?,
        );
    }
    let values = vec![(RELAY, Spread::of(runs))];
    report.push(Figure { name, unit: "CPU us/request", values, base: None, goal: Goal::None });
    Ok(())
}

/// Stores `rows` interceptions with their prompts and token usage, ended long ago, as fast as SQLite takes them.
fn fill(store: &Path, rows: usize) -> Result<()> {
    const SQL: &str = include_str!("growth.sql");
    let store = rusqlite::Connection::open(store)?;
    store.execute_batch(&SQL.replace(":rows", &rows.to_string()))?;
    let stored: i64 = store.query_row("SELECT count(*) FROM aibridge_interceptions", [], |row| row.get(0))?;
    ensure!(stored == i64::try_from(rows)?, "{stored} rows instead of {rows}");
    Ok(())
}
