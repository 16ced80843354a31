use crate::Metrics;
use crate::growth::Growth;
use crate::metrics::NONE;
use aibridge_keypool::{KeyPool, KeyState, KeyStatus};
use aibridge_provider::{CircuitBreaker, CircuitName, CircuitState, Provider};
use prometheus::{Error, TextEncoder};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The format of [`Metrics::render`]: the text format that every Prometheus reads.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is read when somebody scrapes.
pub struct AtScrape<'a> {
    /// The providers of now.
    pub providers: &'a [Arc<dyn Provider>],
    /// How many requests wait for the store.
    pub store_queue: usize,
    /// How many connections clients have open.
    pub open_connections: usize,
    /// How many bytes wait in its spool, if it has one.
    pub spool_bytes: Option<u64>,
}

/// Counts that others keep, as they were read last.
#[derive(Default)]
pub(crate) struct Readings {
    transitions: Growth<(String, &'static str)>,
    trips: Growth<(String, CircuitName)>,
}

impl Metrics {
    /// All metrics as text.
    ///
    /// # Errors
    ///
    /// If they contradict each other: a defect.
    pub fn render(&self, now: &AtScrape<'_>) -> Result<String, Error> {
        let mut readings = self.readings.lock();
        self.read_store(now);
        let connections = i64::try_from(now.open_connections).unwrap_or(i64::MAX);
        self.connections.with_label_values(NONE).set(connections);
        self.keys.state.reset();
        self.circuits.state.reset();
        for provider in now.providers {
            if let Some(pool) = provider.key_failover().pool() {
                self.read_pool(provider.name(), pool, &mut readings);
            }
            if let Some(breaker) = provider.circuit_breaker() {
                self.read_breaker(provider.name(), breaker, &mut readings);
            }
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    fn read_store(&self, now: &AtScrape<'_>) {
        let queue = i64::try_from(now.store_queue).unwrap_or(i64::MAX);
        self.store.queue.with_label_values(NONE).set(queue);
        if let Some(bytes) = now.spool_bytes {
            self.store.spooling.with_label_values(NONE).set(i64::from(bytes > 0));
            self.store.spool_bytes.with_label_values(NONE).set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }

    fn read_pool(&self, provider: &str, pool: &KeyPool, readings: &mut Readings) {
        let statuses = pool.statuses();
        for (model, cooling) in self.cooling(&statuses) {
            for (state, count) in [("valid", statuses.len() - cooling), ("cooling", cooling)] {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                self.keys.state.with_label_values(&[provider, model, state]).set(count);
            }
        }
        let transitions = pool.transitions();
        for (reason, count) in [
            ("rate_limited", transitions.rate_limited),
            ("quota", transitions.quota),
            ("unauthorized", transitions.rejected),
            ("recovered", transitions.recovered),
        ] {
            let growth = readings.transitions.since_last((provider.to_owned(), reason), count);
            self.keys.transitions.with_label_values(&[provider, reason]).inc_by(growth);
        }
    }

    /// How many keys are not offered to requests for each model that cools by itself, and for all others (the empty
    /// name). Of models that share a label, the one with the most counts.
    fn cooling<'a>(&self, statuses: &'a [KeyStatus]) -> BTreeMap<&'a str, usize> {
        let cools = |status: &&KeyStatus| status.state != KeyState::Valid;
        let mut cooling = BTreeMap::from([("", statuses.iter().filter(cools).count())]);
        let of_models = |status: &'a KeyStatus| status.models.iter().map(|cooling| cooling.model.as_str());
        for model in statuses.iter().flat_map(of_models).collect::<BTreeSet<_>>() {
            let cools = |status: &&KeyStatus| {
                status.state != KeyState::Valid || status.models.iter().any(|cooling| cooling.model == model)
            };
            let count = cooling.entry(self.models.label(model)).or_default();
            *count = statuses.iter().filter(cools).count().max(*count);
        }
        cooling
    }

    fn read_breaker(&self, provider: &str, breaker: &CircuitBreaker, readings: &mut Readings) {
        let mut worst: HashMap<(String, &str), f64> = HashMap::new();
        let statuses = breaker.statuses();
        for status in &statuses {
            let state = match status.state {
                CircuitState::Closed => 0.0,
                CircuitState::HalfOpen => 0.5,
                CircuitState::Open => 1.0,
            };
            let series = (status.name.route.clone(), self.models.label(&status.name.model));
            let value = worst.entry(series).or_insert(0.0);
            *value = f64::max(*value, state);
        }
        for ((route, model), state) in worst {
            self.circuits.state.with_label_values(&[provider, &route, model]).set(state);
        }
        for (name, trips) in breaker.trips() {
            let growth = readings.trips.since_last((provider.to_owned(), name.clone()), trips);
            let model = self.models.label(&name.model);
            self.circuits.trips.with_label_values(&[provider, &name.route, model]).inc_by(growth);
        }
    }
}
