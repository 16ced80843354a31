//! The metrics of the journal, whose counts the journal keeps.

use crate::readings::Readings;
use crate::registry::{MetricsBuilder, NO_LABELS};
use prometheus::{Error, GaugeVec, IntCounterVec, IntGaugeVec};
use std::fmt::Write;
use std::time::Duration;

const APPEND_SECONDS: &str = "aibridge_journal_append_seconds";
const APPEND_HELP: &str = "Duration of an append to the journal, which a request waits for.";

/// The figures of the journal at one time. Counts are those since the start of the process.
#[derive(Debug, Clone, Default)]
pub struct JournalFigures {
    /// Bytes that wait for the database.
    pub bytes: u64,
    /// Frames that were appended.
    pub frames: u64,
    /// The upper bound of each bucket of append times in microseconds, and the number of appends in it.
    pub append_times: Vec<(u64, u64)>,
    /// Appends that took longer than all bounds.
    pub slower_appends: u64,
    /// The total duration of all appends.
    pub append_total: Duration,
    /// Frames that are not in the database yet.
    pub lag_records: u64,
    /// The age of the oldest of them.
    pub lag: Duration,
    /// Records that the database refused for their content.
    pub rejected: u64,
    /// Damages that were found in the journal.
    pub damaged: u64,
}

pub(crate) struct JournalMetrics {
    bytes: IntGaugeVec,
    frames: IntCounterVec,
    lag_records: IntGaugeVec,
    lag_seconds: GaugeVec,
    rejected: IntCounterVec,
    damaged: IntCounterVec,
}

impl JournalMetrics {
    pub(crate) fn new(builder: &mut MetricsBuilder) -> Result<Self, Error> {
        let bytes = builder.gauge(
            "aibridge_journal_bytes",
            &[],
            "Bytes of records in the journal that wait for the database; store.journal_max_bytes limits them.",
        )?;
        let frames = builder.counter(
            "aibridge_journal_frames_total",
            &[],
            "Frames that were appended to the journal. A frame holds the records of one call: of a start, or of an end.",
        )?;
        builder.external_histogram(APPEND_SECONDS, APPEND_HELP);
        Ok(Self {
            bytes,
            frames,
            lag_records: builder.gauge(
                "aibridge_journal_lag_records",
                &[],
                "Frames of the journal that are not in the database yet.",
            )?,
            lag_seconds: builder.float_gauge(
                "aibridge_journal_lag_seconds",
                &[],
                "Age of the oldest frame that is not in the database yet.",
            )?,
            rejected: builder.counter(
                "aibridge_rejected_records_total",
                &[],
                "Records that the database refused for their content; they are kept in aibridge_rejected_records.",
            )?,
            damaged: builder.counter(
                "aibridge_journal_damages_total",
                &[],
                "Damages that were found in the journal; the log names them.",
            )?,
        })
    }

    /// Sets the metrics to `figures`.
    pub(crate) fn read(&self, figures: &JournalFigures, readings: &mut Readings) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.bytes.with_label_values(NO_LABELS).set(gauge(figures.bytes));
        self.lag_records.with_label_values(NO_LABELS).set(gauge(figures.lag_records));
        self.lag_seconds.with_label_values(NO_LABELS).set(figures.lag.as_secs_f64());
        for (counter, name, count) in [
            (&self.frames, "frames", figures.frames),
            (&self.rejected, "rejected", figures.rejected),
            (&self.damaged, "damaged", figures.damaged),
        ] {
            let increase = readings.journal.increase(name, count);
            counter.with_label_values(NO_LABELS).inc_by(increase);
        }
    }
}

/// Appends the histogram of append times in the Prometheus text format.
pub(crate) fn push_append_times(text: &mut String, figures: &JournalFigures) {
    let mut count = 0;
    // Writing to a string does not fail.
    let _ = writeln!(text, "# HELP {APPEND_SECONDS} {APPEND_HELP}\n# TYPE {APPEND_SECONDS} histogram");
    for (micros, appends) in &figures.append_times {
        count += appends;
        let bound = Duration::from_micros(*micros).as_secs_f64();
        let _ = writeln!(text, "{APPEND_SECONDS}_bucket{{le=\"{bound}\"}} {count}");
    }
    count += figures.slower_appends;
    let sum = figures.append_total.as_secs_f64();
    let _ = writeln!(text, "{APPEND_SECONDS}_bucket{{le=\"+Inf\"}} {count}");
    let _ = writeln!(text, "{APPEND_SECONDS}_sum {sum}\n{APPEND_SECONDS}_count {count}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let figures = JournalFigures {
            append_times: vec![(5, 2), (25_000, 3)],
            slower_appends: 1,
            append_total: Duration::from_millis(1500),
            ..JournalFigures::default()
        };
        let mut text = String::new();
        push_append_times(&mut text, &figures);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "aibridge_journal_append_seconds_bucket{le=\"0.000005\"} 2",
                "aibridge_journal_append_seconds_bucket{le=\"0.025\"} 5",
                "aibridge_journal_append_seconds_bucket{le=\"+Inf\"} 6",
                "aibridge_journal_append_seconds_sum 1.5",
                "aibridge_journal_append_seconds_count 6",
            ]
        );
    }
}
