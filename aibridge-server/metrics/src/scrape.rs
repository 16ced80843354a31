//! Renders the metrics, after reading the counts of key pools, circuit breakers and the store.

use crate::journal::{JournalFigures, push_append_times};
use crate::metrics::Metrics;
use crate::readings::Readings;
use crate::registry::NO_LABELS;
use aibridge_keypool::{KeyPool, KeyState, KeyStatus};
use aibridge_provider::{CircuitBreaker, CircuitState, Provider};
use prometheus::{Error, TextEncoder};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The content type of [`Metrics::render`]: the Prometheus text format 0.0.4.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The values that a scrape reads from the rest of the gateway.
pub struct ScrapeInput<'a> {
    /// The providers in force.
    pub providers: &'a [Arc<dyn Provider>],
    /// The number of calls that wait until their records are durable.
    pub store_queue: usize,
    /// The number of open client connections.
    pub open_connections: usize,
    /// The figures of the journal.
    pub journal: JournalFigures,
}

impl Metrics {
    /// Reads `input` and renders all metrics in the Prometheus text format.
    ///
    /// # Errors
    ///
    /// Returns an error if the encoder rejects a metric, which is a defect.
    pub fn render(&self, input: &ScrapeInput<'_>) -> Result<String, Error> {
        let mut readings = self.readings.lock();
        self.read_store(input);
        self.journal.read(&input.journal, &mut readings);
        let connections = i64::try_from(input.open_connections).unwrap_or(i64::MAX);
        self.connections.with_label_values(NO_LABELS).set(connections);
        self.keys.state.reset();
        self.circuits.state.reset();
        for provider in input.providers {
            if let Some(pool) = provider.key_failover().pool() {
                self.read_pool(provider.name(), pool, &mut readings);
            }
            if let Some(breaker) = provider.circuit_breaker() {
                self.read_breaker(provider.name(), breaker, &mut readings);
            }
        }
        let mut text = TextEncoder::new().encode_to_string(&self.registry.gather())?;
        push_append_times(&mut text, &input.journal);
        Ok(text)
    }

    fn read_store(&self, input: &ScrapeInput<'_>) {
        let queue = i64::try_from(input.store_queue).unwrap_or(i64::MAX);
        self.store.queue.with_label_values(NO_LABELS).set(queue);
    }

    fn read_pool(&self, provider: &str, pool: &KeyPool, readings: &mut Readings) {
        let statuses = pool.statuses();
        for (model, cooling) in self.cooling_by_model(&statuses) {
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
            let increase = readings.transitions.increase((provider.to_owned(), reason), count);
            self.keys.transitions.with_label_values(&[provider, reason]).inc_by(increase);
        }
    }

    /// Returns the number of keys that requests do not use, by model. Models without a cooldown of their own share the
    /// empty label. If models share a label, the highest number counts.
    fn cooling_by_model<'a>(&self, statuses: &'a [KeyStatus]) -> BTreeMap<&'a str, usize> {
        let cools = |status: &&KeyStatus| status.state != KeyState::Valid;
        let mut cooling = BTreeMap::from([("", statuses.iter().filter(cools).count())]);
        let models_of = |status: &'a KeyStatus| status.models.iter().map(|cooling| cooling.model.as_str());
        for model in statuses.iter().flat_map(models_of).collect::<BTreeSet<_>>() {
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
            let increase = readings.trips.increase((provider.to_owned(), name.clone()), trips);
            let model = self.models.label(&name.model);
            self.circuits.trips.with_label_values(&[provider, &name.route, model]).inc_by(increase);
        }
    }
}
