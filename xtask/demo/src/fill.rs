//! Fills a SQLite store with made-up records that look like weeks of an organisation's work: sessions of a few dozen users
//! with several clients and models, tool loops and failures. The same numbers give the same store, relative to now.

mod plan;
mod rows;
mod texts;

use aibridge_testkit::Launch;
use anyhow::{Context, Result, ensure};
use plan::{Planned, plan};
use rows::Inserts;
use rusqlite::Connection;
use std::io::Write;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Creates the store at `path`, which must not exist, with `interceptions` interceptions. `binary` is the gateway.
///
/// # Errors
///
/// If the file exists, the gateway fails, or SQLite does.
pub async fn fill(out: &mut dyn Write, binary: &Path, path: &Path, interceptions: usize) -> Result<()> {
    ensure!(!path.exists(), "{} exists already: remove it or name another file", path.display());
    let started = Instant::now();
    create(binary, path).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into()?;
    let planned = plan(interceptions, now);
    insert(path, &planned).context("cannot insert the records")?;
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "{} interceptions in {} ({seconds:.1} s)", planned.len(), path.display())?;
    writeln!(
        out,
        "Look at them: cargo run --release -p aibridge-server -- --store sqlite:{}",
        path.display()
    )?;
    writeln!(out, "and open http://127.0.0.1:8080/dashboard")?;
    Ok(())
}

/// Lets a gateway create the tables.
async fn create(binary: &Path, path: &Path) -> Result<()> {
    let launch = Launch::new(binary).store(format!("sqlite:{}", std::path::absolute(path)?.display()));
    let gateway = launch.start().await;
    gateway.terminate();
    let output = gateway.wait_exit().await;
    ensure!(output.status.success(), "the gateway failed: {}", output.stderr);
    Ok(())
}

fn insert(path: &Path, planned: &[Planned]) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.transaction()?;
    let mut inserts = Inserts::new(&transaction)?;
    for one in planned {
        inserts.insert(one)?;
    }
    drop(inserts);
    Ok(transaction.commit()?)
}
