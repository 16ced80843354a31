use crate::buckets;
use crate::names::Names;
use crate::registry::{Described, Maker};
use crate::scrape::Readings;
use parking_lot::Mutex;
use prometheus::{Error, GaugeVec, Histogram, HistogramVec, IntCounterVec, IntGaugeVec, Registry};
use std::time::Duration;

/// The labels of a metric that has none.
pub(crate) const NONE: &[&str] = &[];

/// How many names that clients can invent are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Models.
    pub models: usize,
    /// Tools.
    pub tools: usize,
}

/// All metrics of one gateway.
pub struct Metrics {
    pub(crate) registry: Registry,
    pub(crate) described: Vec<Described>,
    pub(crate) models: Names,
    pub(crate) tools: Names,
    pub(crate) interceptions: Interceptions,
    pub(crate) summary: ResponseCounts,
    pub(crate) keys: Keys,
    pub(crate) circuits: Circuits,
    pub(crate) passthrough: IntCounterVec,
    pub(crate) limited: IntCounterVec,
    pub(crate) undecodable: IntCounterVec,
    pub(crate) connections: IntGaugeVec,
    pub(crate) store: StoreFigures,
    pub(crate) readings: Mutex<Readings>,
}

pub(crate) struct Interceptions {
    pub(crate) total: IntCounterVec,
    pub(crate) inflight: IntGaugeVec,
    pub(crate) duration: HistogramVec,
    pub(crate) first_byte: HistogramVec,
    pub(crate) overhead: HistogramVec,
}

pub(crate) struct ResponseCounts {
    pub(crate) prompts: IntCounterVec,
    pub(crate) tokens: IntCounterVec,
    pub(crate) tools: IntCounterVec,
}

pub(crate) struct Keys {
    pub(crate) state: IntGaugeVec,
    pub(crate) transitions: IntCounterVec,
    pub(crate) exhaustions: IntCounterVec,
    pub(crate) attempts: HistogramVec,
}

pub(crate) struct StoreFigures {
    pub(crate) commits: Histogram,
    pub(crate) queue: IntGaugeVec,
    pub(crate) spooling: IntGaugeVec,
    pub(crate) spool_bytes: IntGaugeVec,
    pub(crate) deleted: IntCounterVec,
}

pub(crate) struct Circuits {
    pub(crate) state: GaugeVec,
    pub(crate) trips: IntCounterVec,
    pub(crate) rejects: IntCounterVec,
}

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    ///
    /// If two metrics contradict each other: a defect.
    pub fn new(limits: Limits) -> Result<Self, Error> {
        let mut make = Maker::default();
        let interceptions = Interceptions::new(&mut make)?;
        let passthrough = make.counter(
            "aibridge_passthrough_total",
            &["provider", "route", "method"],
            "Requests that were relayed unread.",
        )?;
        let limited = make.counter(
            "aibridge_limited_requests_total",
            &["limit"],
            "Requests that a limit of the settings refused; limit is concurrency, requests or tokens.",
        )?;
        let undecodable = make.counter(
            "aibridge_undecodable_responses_total",
            &["provider"],
            "Responses that were relayed but not read, since their Content-Encoding could not be decoded.",
        )?;
        let summary = ResponseCounts::new(&mut make)?;
        let circuits = Circuits::new(&mut make)?;
        let keys = Keys::new(&mut make)?;
        let connections =
            make.gauge("aibridge_open_connections", &[], "Connections that clients have open.")?;
        let store = StoreFigures::new(&mut make)?;
        Ok(Self {
            registry: make.registry,
            described: make.described,
            models: Names::new(limits.models),
            tools: Names::new(limits.tools),
            interceptions,
            summary,
            keys,
            circuits,
            passthrough,
            limited,
            undecodable,
            connections,
            store,
            readings: Mutex::default(),
        })
    }

    /// The rows of the reference, in Markdown.
    pub fn reference(&self) -> Vec<String> {
        let row = |metric: &Described| {
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}` | {} | {} | {} |", metric.name, metric.kind, labels.join(", "), metric.help)
        };
        self.described.iter().map(row).collect()
    }

    /// A transaction of the store took so long.
    pub fn committed(&self, took: Duration) {
        self.store.commits.observe(took.as_secs_f64());
    }

    /// So many interceptions were deleted because they were old.
    pub fn deleted(&self, interceptions: u64) {
        self.store.deleted.with_label_values(NONE).inc_by(interceptions);
    }
}

impl Interceptions {
    fn new(make: &mut Maker) -> Result<Self, Error> {
        Ok(Self {
            total: make.counter(
                "aibridge_interceptions_total",
                &["provider", "model", "status", "route", "method", "client"],
                "Interceptions that are over; status is completed, failed or cancelled.",
            )?,
            inflight: make.gauge(
                "aibridge_interceptions_inflight",
                &["provider", "model", "route"],
                "Interceptions that are not over.",
            )?,
            duration: make.histogram(
                "aibridge_interceptions_duration_seconds",
                &["provider", "route"],
                buckets::DURATION,
                "From the request, read, to the recorded end.",
            )?,
            first_byte: make.histogram(
                "aibridge_time_to_first_byte_seconds",
                &["provider", "route"],
                buckets::FIRST_BYTE,
                "From the request, read, to the first byte of the answer's body.",
            )?,
            overhead: make.histogram(
                "aibridge_overhead_seconds",
                &["provider", "route"],
                buckets::OWN,
                "The gateway's own share of the duration: without waiting for the provider or a slow client, with the store.",
            )?,
        })
    }
}

impl ResponseCounts {
    fn new(make: &mut Maker) -> Result<Self, Error> {
        Ok(Self {
            prompts: make.counter("aibridge_prompts_total", &["provider"], "Prompts that users wrote.")?,
            tokens: make.counter(
                "aibridge_tokens_total",
                &["type"],
                "Tokens that providers told; type is input (without cached ones), output, cache_read_input or cache_write_input.",
            )?,
            tools: make.counter(
                "aibridge_non_injected_tool_selections_total",
                &["name"],
                "Tools of the client that a model picked.",
            )?,
        })
    }
}

impl StoreFigures {
    fn new(make: &mut Maker) -> Result<Self, Error> {
        Ok(Self {
            commits: make
                .histogram(
                    "aibridge_store_commit_seconds",
                    &[],
                    buckets::OWN,
                    "Time of one transaction of the store, which many requests share.",
                )?
                .with_label_values(NONE),
            queue: make.gauge(
                "aibridge_store_queue_length",
                &[],
                "Requests that wait for the store's next transaction.",
            )?,
            spooling: make.gauge(
                "aibridge_store_spooling",
                &[],
                "1 while records go to the spool: the database is away, or the spool is not drained yet. Else 0.",
            )?,
            spool_bytes: make.gauge(
                "aibridge_store_spool_bytes",
                &[],
                "Bytes of records that wait in the spool for the database.",
            )?,
            deleted: make.counter(
                "aibridge_retention_deleted_total",
                &[],
                "Interceptions that were deleted because they were older than store.retention.",
            )?,
        })
    }
}

impl Circuits {
    fn new(make: &mut Maker) -> Result<Self, Error> {
        const LABELS: &[&str] = &["provider", "route", "model"];
        Ok(Self {
            state: make.fraction(
                "aibridge_circuit_breaker_state",
                LABELS,
                "0 closed, 0.5 half-open, 1 open; of what failed lately. Models that share a label show the worst.",
            )?,
            trips: make.counter("aibridge_circuit_breaker_trips_total", LABELS, "Times that a circuit opened.")?,
            rejects: make.counter(
                "aibridge_circuit_breaker_rejects_total",
                LABELS,
                "Requests that an open circuit rejected.",
            )?,
        })
    }
}

impl Keys {
    fn new(make: &mut Maker) -> Result<Self, Error> {
        Ok(Self {
            state: make.gauge(
                "aibridge_key_pool_state",
                &["provider", "model", "state"],
                "Keys of the pool that are valid or cooling, for each model that a key cools for; model is empty for all other models.",
            )?,
            transitions: make.counter(
                "aibridge_key_pool_state_transitions_total",
                &["provider", "reason"],
                "Cooldowns of a key or of one model of a key that began (rate_limited, quota, unauthorized) or ended (recovered).",
            )?,
            exhaustions: make.counter(
                "aibridge_key_pool_exhaustions_total",
                &["provider", "outcome"],
                "Calls for which no key was left; outcome is rate_limited, quota, too_large (one request alone), rejected or forbidden.",
            )?,
            attempts: make.histogram(
                "aibridge_key_pool_failover_attempts",
                &["provider"],
                buckets::KEYS,
                "Keys that one call tried; 0 if all were cooling.",
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

    #[test]
    fn the_document_lists_every_metric_and_no_other() {
        let metrics = Metrics::new(Limits { models: 1, tools: 1 }).expect("metrics");
        let documented: Vec<_> = DOCUMENT.lines().filter(|line| line.starts_with("| `aibridge_")).collect();
        assert_eq!(documented, metrics.reference());
    }
}
