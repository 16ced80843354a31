//! Prints what Prometheus reads from a gateway that has just started, after three commits of its database.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_metrics::{JournalFigures, LabelLimits, Metrics, ScrapeInput};
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let metrics = Metrics::new(LabelLimits { models: 100, tools: 100 })?;
    for milliseconds in [1, 2, 40] {
        metrics.observe_commit(Duration::from_millis(milliseconds));
    }
    let journal = JournalFigures {
        bytes: 4096,
        frames: 12,
        append_times: vec![(100, 10), (1000, 2)],
        slower_appends: 0,
        append_total: Duration::from_micros(1400),
        lag_records: 1,
        lag: Duration::from_millis(20),
        rejected: 0,
        damaged: 0,
    };
    let input = ScrapeInput { providers: &[], store_queue: 0, open_connections: 3, journal };
    print!("{}", metrics.render(&input)?);
    Ok(())
}
