//! A circuit breaker per route and model. It rejects calls to a route and model that keep failing.
//!
//! A closed circuit counts consecutive failures, and opens at `failure_threshold`. An open circuit rejects all calls for
//! `timeout`, then becomes half-open. A half-open circuit admits `max_requests` concurrent probes: as many consecutive
//! successes close it, one failure opens it again. A call succeeds at the end of its response, but a probe releases its
//! permit when its response begins, because a stream may take minutes.

mod circuit;
mod settings;

pub use circuit::{CircuitName, CircuitState, CircuitStatus};
pub use settings::CircuitBreakerSettings;

use aibridge_intercept::guard::{Admission, CallOutcome, Guard, Rejection};
use circuit::Circuit;
use parking_lot::{Mutex, RwLock};
use quanta::{Clock, Instant};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The maximum number of circuits. Clients choose the model names, so the number needs a bound.
const MAX_CIRCUITS: usize = 1024;

/// The number of circuits that are evicted together. An eviction scans all circuits, so it frees room for many.
const EVICTION_BATCH: usize = MAX_CIRCUITS / 4;

/// The maximum length of a model name, in bytes. Models that differ only after it share a circuit.
const MAX_MODEL_BYTES: usize = 256;

/// The circuits of one provider. Only routes and models with recent failures have one.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: CircuitBreakerSettings,
    clock: Clock,
    circuits: RwLock<HashMap<CircuitName, Arc<Circuit>>>,
    /// The trips by circuit, including evicted circuits: counters never decrease.
    trips: Mutex<BTreeMap<CircuitName, u64>>,
}

impl CircuitBreaker {
    /// Creates a breaker whose circuits are all closed.
    pub fn new(settings: CircuitBreakerSettings, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings,
                clock,
                circuits: RwLock::default(),
                trips: Mutex::default(),
            }),
        }
    }

    /// The settings of all circuits.
    pub fn settings(&self) -> &CircuitBreakerSettings {
        &self.shared.settings
    }

    /// The guard of calls to one route and model.
    pub fn guard(&self, route: &str, model: &str) -> Arc<dyn Guard> {
        Arc::new(CircuitGuard {
            shared: self.shared.clone(),
            name: CircuitName {
                route: route.to_owned(),
                model: model[..model.floor_char_boundary(MAX_MODEL_BYTES)].to_owned(),
            },
        })
    }

    /// The statuses of all circuits with recent failures.
    pub fn statuses(&self) -> Vec<CircuitStatus> {
        let now = self.shared.clock.now();
        let circuits = self.shared.circuits.read();
        circuits.iter().map(|(name, circuit)| circuit.status(name, now)).collect()
    }

    /// The number of times that each circuit opened, including evicted circuits. From 1024 circuits on, further models
    /// share the name `other`.
    pub fn trips(&self) -> Vec<(CircuitName, u64)> {
        self.shared.trips.lock().iter().map(|(name, trips)| (name.clone(), *trips)).collect()
    }
}

struct CircuitGuard {
    shared: Arc<Shared>,
    name: CircuitName,
}

impl Guard for CircuitGuard {
    fn admit(&self, counts: bool) -> Result<Admission, Rejection> {
        match self.shared.find(&self.name) {
            Some(circuit) => circuit.admit(counts, self.shared.clock.now(), &self.shared.settings),
            None => Ok(Admission::Normal),
        }
    }

    fn is_failure(&self, status: u16) -> bool {
        self.shared.settings.failure_statuses.contains(&status)
    }

    fn release(&self, admission: Admission) {
        if let (Admission::Trial { round }, Some(circuit)) = (admission, self.shared.find(&self.name)) {
            circuit.release(round);
        }
    }

    fn report(&self, admission: Admission, outcome: CallOutcome) {
        let circuit = match (self.shared.find(&self.name), outcome) {
            (Some(circuit), _) => circuit,
            (None, CallOutcome::Failure) => self.shared.add(&self.name),
            (None, CallOutcome::Success) => return,
        };
        if circuit.report(admission, outcome, self.shared.clock.now(), &self.shared.settings) {
            self.shared.count_trip(&self.name);
        }
    }
}

impl Shared {
    fn find(&self, name: &CircuitName) -> Option<Arc<Circuit>> {
        let circuits = self.circuits.read();
        if circuits.is_empty() { None } else { circuits.get(name).cloned() }
    }

    fn count_trip(&self, name: &CircuitName) {
        let mut trips = self.trips.lock();
        let name = if trips.len() < MAX_CIRCUITS || trips.contains_key(name) {
            name.clone()
        } else {
            CircuitName { route: name.route.clone(), model: "other".to_owned() }
        };
        *trips.entry(name).or_default() += 1;
    }

    /// Adds a circuit after a first failure.
    fn add(&self, name: &CircuitName) -> Arc<Circuit> {
        let now = self.clock.now();
        let mut circuits = self.circuits.write();
        if circuits.len() >= MAX_CIRCUITS {
            self.evict(&mut circuits, now);
        }
        circuits.entry(name.clone()).or_insert_with(|| Arc::new(Circuit::new(now))).clone()
    }

    /// Evicts the idle circuits, then those with the lowest priority: requests with random model names must not prevent
    /// circuits for real models.
    fn evict(&self, circuits: &mut HashMap<CircuitName, Arc<Circuit>>, now: Instant) {
        circuits.retain(|_, circuit| !circuit.is_idle(now, &self.settings));
        let target = MAX_CIRCUITS - EVICTION_BATCH;
        if circuits.len() > target {
            let mut names: Vec<_> =
                circuits.iter().map(|(name, circuit)| (circuit.priority(), name.clone())).collect();
            let surplus = names.len() - target;
            names.select_nth_unstable_by_key(surplus, |(priority, _)| *priority);
            names.iter().take(surplus).for_each(|(_, name)| drop(circuits.remove(name)));
        }
    }
}

#[cfg(test)]
mod tests;
