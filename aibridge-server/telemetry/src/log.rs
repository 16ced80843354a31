//! Sets up the log of the process: lines to stderr, and the layer for spans.

use crate::record_log;
use crate::traces::Traces;
use aibridge_config::{Log, LogFormat};
use aibridge_intercept::trace;
use std::io::{BufWriter, stderr};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

/// The size of the write buffer, in bytes. Queued lines are written together; a single line is written at once.
const WRITE_BUFFER: usize = 64 << 10;

/// The most lines that wait to be written. Their slots are allocated at the start, 40 bytes each.
const QUEUED_LINES: usize = 16 << 10;

/// Starts the log, which ends when the guard is dropped, and the collection of `traces`.
///
/// # Errors
///
/// If a filter in the environment is invalid, or the process has a log already.
pub fn start(log: &Log, traces: Option<&Traces>) -> Result<WorkerGuard, Box<dyn std::error::Error>> {
    // A blocked stderr must not delay requests: lines that do not fit the queue are dropped.
    let writer = BufWriter::with_capacity(WRITE_BUFFER, stderr());
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES).finish(writer);
    subscriber(log, traces, writer)?.try_init()?;
    Ok(guard)
}

fn subscriber<W>(log: &Log, traces: Option<&Traces>, writer: W) -> Result<Dispatch, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Lines do not contain spans, and `RUST_LOG` does not affect traces.
    let not_traced =
        filter_fn(|metadata| metadata.target() != trace::TARGET).with_max_level_hint(LevelFilter::TRACE);
    let lines = registry().with(lines.with_filter(filter(log)?.and(not_traced)));
    // With a layer of `None`, spans would be created although no layer collects them.
    Ok(match traces {
        Some(traces) => lines.with(traces.layer()).into(),
        None => lines.into(),
    })
}

fn filter(log: &Log) -> Result<EnvFilter, ParseError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    Ok(match log.records_to_log {
        true => filter.add_directive(format!("{}=info", record_log::TARGET).parse()?),
        false => filter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Asks the subscriber itself: the subscribers of other tests affect which spans this process creates.
    #[test]
    fn no_span_is_created_without_a_collector() {
        let log = Log { format: LogFormat::Text, records_to_log: false };
        let span = tracing::subscriber::with_default(registry(), trace::create_interceptor_span);
        let subscriber = subscriber(&log, None, std::io::sink).expect("a subscriber");
        assert!(subscriber.register_callsite(span.metadata().expect("an enabled span")).is_never());
        tracing::dispatcher::with_default(&subscriber, || {
            assert!(tracing::enabled!(tracing::Level::INFO), "lines are not spans");
        });
    }
}
