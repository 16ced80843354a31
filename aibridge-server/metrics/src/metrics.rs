//! The metrics: names, labels and help texts.

use crate::buckets;
use crate::journal::JournalMetrics;
use crate::label_names::LabelNames;
use crate::readings::Readings;
use crate::registry::{MetricInfo, MetricsBuilder, NO_LABELS};
use parking_lot::Mutex;
use prometheus::{Error, GaugeVec, Histogram, HistogramVec, IntCounterVec, IntGaugeVec, Registry};
use std::time::Duration;

/// The number of client-chosen names with their own time series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelLimits {
    /// The number of models; further models are counted as `other`.
    pub models: usize,
    /// The number of tools; further tools are counted as `other`.
    pub tools: usize,
}

/// All metrics of one gateway process.
pub struct Metrics {
    pub(crate) registry: Registry,
    pub(crate) described: Vec<MetricInfo>,
    pub(crate) models: LabelNames,
    pub(crate) tools: LabelNames,
    pub(crate) interceptions: InterceptionMetrics,
    pub(crate) responses: ResponseMetrics,
    pub(crate) keys: KeyMetrics,
    pub(crate) circuits: CircuitMetrics,
    pub(crate) passthrough: IntCounterVec,
    pub(crate) limited: IntCounterVec,
    pub(crate) undecodable: IntCounterVec,
    pub(crate) connections: IntGaugeVec,
    pub(crate) store: StoreMetrics,
    pub(crate) journal: JournalMetrics,
    pub(crate) readings: Mutex<Readings>,
}

pub(crate) struct InterceptionMetrics {
    pub(crate) total: IntCounterVec,
    pub(crate) inflight: IntGaugeVec,
    pub(crate) duration: HistogramVec,
    pub(crate) first_byte: HistogramVec,
    pub(crate) overhead: HistogramVec,
}

pub(crate) struct ResponseMetrics {
    pub(crate) prompts: IntCounterVec,
    pub(crate) tokens: IntCounterVec,
    pub(crate) tools: IntCounterVec,
}

pub(crate) struct KeyMetrics {
    pub(crate) state: IntGaugeVec,
    pub(crate) transitions: IntCounterVec,
    pub(crate) exhaustions: IntCounterVec,
    pub(crate) attempts: HistogramVec,
}

pub(crate) struct StoreMetrics {
    pub(crate) commits: Histogram,
    pub(crate) queue: IntGaugeVec,
    pub(crate) deleted: IntCounterVec,
}

pub(crate) struct CircuitMetrics {
    pub(crate) state: GaugeVec,
    pub(crate) trips: IntCounterVec,
    pub(crate) rejects: IntCounterVec,
}

impl Metrics {
    /// Creates and registers all metrics.
    ///
    /// # Errors
    ///
    /// Returns an error if two metrics conflict, which is a defect.
    pub fn new(limits: LabelLimits) -> Result<Self, Error> {
        let mut builder = MetricsBuilder::default();
        let interceptions = InterceptionMetrics::new(&mut builder)?;
        let passthrough = builder.counter(
            "aibridge_passthrough_total",
            &["provider", "route", "method"],
            "Requests on passthrough routes, which are relayed without being recorded.",
        )?;
        let limited = builder.counter(
            "aibridge_limited_requests_total",
            &["limit"],
            "Requests that a limit from the settings rejected; limit is concurrency, requests or tokens.",
        )?;
        let undecodable = builder.counter(
            "aibridge_undecodable_responses_total",
            &["provider"],
            "Responses that were relayed but not parsed, because their Content-Encoding could not be decoded.",
        )?;
        let responses = ResponseMetrics::new(&mut builder)?;
        let circuits = CircuitMetrics::new(&mut builder)?;
        let keys = KeyMetrics::new(&mut builder)?;
        let connections = builder.gauge("aibridge_open_connections", &[], "Open client connections.")?;
        let store = StoreMetrics::new(&mut builder)?;
        let journal = JournalMetrics::new(&mut builder)?;
        Ok(Self {
            registry: builder.registry,
            described: builder.described,
            models: LabelNames::new(limits.models),
            tools: LabelNames::new(limits.tools),
            interceptions,
            responses,
            keys,
            circuits,
            passthrough,
            limited,
            undecodable,
            connections,
            store,
            journal,
            readings: Mutex::default(),
        })
    }

    /// Returns the rows of `docs/metrics.md`, in Markdown.
    pub fn reference(&self) -> Vec<String> {
        let row = |metric: &MetricInfo| {
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}` | {} | {} | {} |", metric.name, metric.kind, labels.join(", "), metric.help)
        };
        self.described.iter().map(row).collect()
    }

    /// Records the duration of a transaction of the store.
    pub fn observe_commit(&self, duration: Duration) {
        self.store.commits.observe(duration.as_secs_f64());
    }

    /// Adds to the number of interceptions that were deleted after `store.retention`.
    pub fn add_deleted(&self, interceptions: u64) {
        self.store.deleted.with_label_values(NO_LABELS).inc_by(interceptions);
    }
}

impl InterceptionMetrics {
    fn new(builder: &mut MetricsBuilder) -> Result<Self, Error> {
        Ok(Self {
            total: builder.counter(
                "aibridge_interceptions_total",
                &["provider", "model", "status", "route", "method", "client"],
                "Interceptions that ended; status is completed, failed or cancelled.",
            )?,
            inflight: builder.gauge(
                "aibridge_interceptions_inflight",
                &["provider", "model", "route"],
                "Interceptions that have started and not ended.",
            )?,
            duration: builder.histogram(
                "aibridge_interceptions_duration_seconds",
                &["provider", "route"],
                buckets::DURATION,
                "Time from the fully read request to the recorded end of the interception.",
            )?,
            first_byte: builder.histogram(
                "aibridge_time_to_first_byte_seconds",
                &["provider", "route"],
                buckets::FIRST_BYTE,
                "Time from the fully read request to the first byte of the response body.",
            )?,
            overhead: builder.histogram(
                "aibridge_overhead_seconds",
                &["provider", "route"],
                buckets::OVERHEAD,
                "Time that the gateway adds: the duration without waiting for the provider or for a slow client, including the store.",
            )?,
        })
    }
}

impl ResponseMetrics {
    fn new(builder: &mut MetricsBuilder) -> Result<Self, Error> {
        Ok(Self {
            prompts: builder.counter("aibridge_prompts_total", &["provider"], "User prompts that were recorded.")?,
            tokens: builder.counter(
                "aibridge_tokens_total",
                &["type"],
                "Tokens that providers reported; type is input (without cached input), output, cache_read_input or cache_write_input.",
            )?,
            tools: builder.counter(
                "aibridge_non_injected_tool_selections_total",
                &["name"],
                "Tool calls by models, of tools that the client defined.",
            )?,
        })
    }
}

impl StoreMetrics {
    fn new(builder: &mut MetricsBuilder) -> Result<Self, Error> {
        Ok(Self {
            commits: builder
                .histogram(
                    "aibridge_store_commit_seconds",
                    &[],
                    buckets::OVERHEAD,
                    "Duration of a store transaction, which many requests share.",
                )?
                .with_label_values(NO_LABELS),
            queue: builder.gauge(
                "aibridge_store_queue_length",
                &[],
                "Calls that wait until their records are durable: for the disk with store.durability = \"power\", for the database with \"database\".",
            )?,
            deleted: builder.counter(
                "aibridge_retention_deleted_total",
                &[],
                "Interceptions that were deleted because they are older than store.retention.",
            )?,
        })
    }
}

impl CircuitMetrics {
    fn new(builder: &mut MetricsBuilder) -> Result<Self, Error> {
        const LABELS: &[&str] = &["provider", "route", "model"];
        Ok(Self {
            state: builder.float_gauge(
                "aibridge_circuit_breaker_state",
                LABELS,
                "State of the circuits that failed recently: 0 closed, 0.5 half-open, 1 open. Models that share a label report the highest value.",
            )?,
            trips: builder.counter("aibridge_circuit_breaker_trips_total", LABELS, "Times that a circuit opened.")?,
            rejects: builder.counter(
                "aibridge_circuit_breaker_rejects_total",
                LABELS,
                "Requests that an open circuit rejected.",
            )?,
        })
    }
}

impl KeyMetrics {
    fn new(builder: &mut MetricsBuilder) -> Result<Self, Error> {
        Ok(Self {
            state: builder.gauge(
                "aibridge_key_pool_state",
                &["provider", "model", "state"],
                "Keys in the pool by state (valid, cooling), for each model with a cooling key; model is empty for all other models.",
            )?,
            transitions: builder.counter(
                "aibridge_key_pool_state_transitions_total",
                &["provider", "reason"],
                "Cooldowns that started (rate_limited, quota, unauthorized) or ended (recovered), of a key or of one model of a key.",
            )?,
            exhaustions: builder.counter(
                "aibridge_key_pool_exhaustions_total",
                &["provider", "outcome"],
                "Calls for which no key was left; outcome is rate_limited, quota, too_large (the request exceeds a limit by itself), rejected or forbidden.",
            )?,
            attempts: builder.histogram(
                "aibridge_key_pool_failover_attempts",
                &["provider"],
                buckets::KEYS,
                "Keys that one call tried; 0 if all keys were cooling.",
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
        let metrics = Metrics::new(LabelLimits { models: 1, tools: 1 }).expect("metrics");
        let documented: Vec<_> = DOCUMENT.lines().filter(|line| line.starts_with("| `aibridge_")).collect();
        assert_eq!(documented, metrics.reference());
    }
}
