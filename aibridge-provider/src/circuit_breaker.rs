//! A circuit breaker per route and model: it stops calls to what keeps failing, and tries again with a few.
//!
//! Closed, it counts consecutive failures; enough of them open it. Open, it rejects for `timeout`. Then it is
//! half-open: it admits `max_requests` trials at once; as many successes in a row close it, one failure opens it
//! again. An answer is a success when all of it has come, but a trial gives its place to the next when its answer
//! begins: a stream may take minutes.

use aibridge_intercept::guard::{Admission, CallOutcome, Guard, Rejection};
use parking_lot::{Mutex, RwLock};
use quanta::{Clock, Instant};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How a breaker behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitBreakerSettings {
    /// So many consecutive failures open it.
    pub failure_threshold: u32,
    /// While closed, counted failures are forgotten after this.
    pub interval: Duration,
    /// How long it stays open.
    pub timeout: Duration,
    /// How many trials it admits at once while half-open, and how many must succeed in a row to close it.
    pub max_requests: u32,
    /// The statuses that count as failures.
    pub failure_statuses: Vec<u16>,
}

impl Default for CircuitBreakerSettings {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            max_requests: 3,
            failure_statuses: vec![500, 502, 503, 504, 529],
        }
    }
}

/// Clients name models, so the number of circuits must have an end. Beyond it, those that say least make room.
const CIRCUITS_AT_MOST: usize = 1024;

/// When there is no room, so many are forgotten at once: looking for them takes a while.
const FORGOTTEN_AT_ONCE: usize = CIRCUITS_AT_MOST / 4;

/// So many bytes of a model's name count; models that differ beyond it share a circuit.
const MODEL_AT_MOST: usize = 256;

/// The circuits of one provider. Only what failed lately has one.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: CircuitBreakerSettings,
    clock: Clock,
    circuits: RwLock<HashMap<CircuitName, Arc<Circuit>>>,
    /// Kept when a circuit is forgotten: counters never go down.
    trips: Mutex<BTreeMap<CircuitName, u64>>,
}

/// What a circuit is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircuitName {
    /// The bridged route.
    pub route: String,
    /// The model, as the client named it.
    pub model: String,
}

#[derive(Debug)]
struct Circuit {
    state: Mutex<State>,
    trips: AtomicU64,
    rejects: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32, since: Instant },
    Open { until: Instant },
    HalfOpen { since: Instant, round: u64, trials: u32, successes: u32 },
}

/// What a circuit looks like from the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitStatus {
    /// What it is about.
    pub name: CircuitName,
    /// Its state.
    pub state: CircuitState,
    /// How often it opened.
    pub trips: u64,
    /// How many requests it rejected.
    pub rejects: u64,
}

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    /// Requests pass.
    Closed,
    /// A few requests pass.
    HalfOpen,
    /// No request passes.
    Open,
}

impl CircuitBreaker {
    /// A breaker whose circuits are all closed.
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

    /// How it behaves.
    pub fn settings(&self) -> &CircuitBreakerSettings {
        &self.shared.settings
    }

    /// The guard of calls for one route and model.
    pub fn guard(&self, route: &str, model: &str) -> Arc<dyn Guard> {
        Arc::new(CircuitGuard {
            shared: self.shared.clone(),
            name: CircuitName {
                route: route.to_owned(),
                model: model[..model.floor_char_boundary(MODEL_AT_MOST)].to_owned(),
            },
        })
    }

    /// All circuits that failed lately.
    pub fn statuses(&self) -> Vec<CircuitStatus> {
        let now = self.shared.clock.now();
        let circuits = self.shared.circuits.read();
        circuits.iter().map(|(name, circuit)| circuit.status(name, now)).collect()
    }

    /// How often each circuit opened, also those that are forgotten. Beyond so many models they share `other`.
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

    fn report(&self, admission: Admission, went: CallOutcome) {
        let circuit = match (self.shared.find(&self.name), went) {
            (Some(circuit), _) => circuit,
            (None, CallOutcome::Failure) => self.shared.open_account(&self.name),
            (None, CallOutcome::Success) => return,
        };
        if circuit.report(admission, went, self.shared.clock.now(), &self.shared.settings) {
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
        let name = if trips.len() < CIRCUITS_AT_MOST || trips.contains_key(name) {
            name.clone()
        } else {
            CircuitName { route: name.route.clone(), model: "other".to_owned() }
        };
        *trips.entry(name).or_default() += 1;
    }

    /// A circuit for what failed for the first time lately.
    fn open_account(&self, name: &CircuitName) -> Arc<Circuit> {
        let now = self.clock.now();
        let mut circuits = self.circuits.write();
        if circuits.len() >= CIRCUITS_AT_MOST {
            self.make_room(&mut circuits, now);
        }
        circuits.entry(name.clone()).or_insert_with(|| Arc::new(Circuit::new(now))).clone()
    }

    /// Forgets the circuits that are at rest, and if that is not enough those that would soonest be: invented models
    /// must not keep out what people use.
    fn make_room(&self, circuits: &mut HashMap<CircuitName, Arc<Circuit>>, now: Instant) {
        circuits.retain(|_, circuit| !circuit.is_at_rest(now, &self.settings));
        let enough = CIRCUITS_AT_MOST - FORGOTTEN_AT_ONCE;
        if circuits.len() > enough {
            let mut names: Vec<_> =
                circuits.iter().map(|(name, circuit)| (circuit.weight(), name.clone())).collect();
            let surplus = names.len() - enough;
            names.select_nth_unstable_by_key(surplus, |(weight, _)| *weight);
            names.iter().take(surplus).for_each(|(_, name)| drop(circuits.remove(name)));
        }
    }
}

impl Circuit {
    fn new(now: Instant) -> Self {
        let state = Mutex::new(State::Closed { failures: 0, since: now });
        Self { state, trips: AtomicU64::new(0), rejects: AtomicU64::new(0) }
    }

    /// What does not count finds nothing out: it takes no place from the trials.
    fn admit(
        &self,
        counts: bool,
        now: Instant,
        settings: &CircuitBreakerSettings,
    ) -> Result<Admission, Rejection> {
        let mut state = self.state.lock();
        if let State::Open { until } = *state
            && now >= until
        {
            let round = self.trips.load(Ordering::Relaxed);
            *state = State::HalfOpen { since: now, round, trials: 0, successes: 0 };
        }
        match &mut *state {
            State::Open { until } => Err(self.reject(until.duration_since(now))),
            State::Closed { .. } => Ok(Admission::Normal),
            State::HalfOpen { .. } if !counts => Ok(Admission::Normal),
            State::HalfOpen { round, trials, .. } if *trials < settings.max_requests => {
                *trials += 1;
                Ok(Admission::Trial { round: *round })
            }
            State::HalfOpen { .. } => Err(self.reject(Duration::from_secs(1))),
        }
    }

    /// A trial of this round gives its place back.
    fn release(&self, mine: u64) {
        if let State::HalfOpen { round, trials, .. } = &mut *self.state.lock()
            && *round == mine
        {
            *trials = trials.saturating_sub(1);
        }
    }

    fn reject(&self, retry_after: Duration) -> Rejection {
        self.rejects.fetch_add(1, Ordering::Relaxed);
        Rejection { retry_after }
    }

    /// Whether it opened.
    fn report(
        &self,
        admission: Admission,
        went: CallOutcome,
        now: Instant,
        settings: &CircuitBreakerSettings,
    ) -> bool {
        let mut state = self.state.lock();
        let next = match (*state, admission, went) {
            (State::Closed { failures, since }, _, CallOutcome::Failure) => {
                let fresh = now.duration_since(since) >= settings.interval;
                let (failures, since) = if fresh || failures == 0 { (1, now) } else { (failures + 1, since) };
                if failures >= settings.failure_threshold {
                    self.trip(now, settings)
                } else {
                    State::Closed { failures, since }
                }
            }
            (State::Closed { since, .. }, _, CallOutcome::Success) => State::Closed { failures: 0, since },
            (State::HalfOpen { round, .. }, Admission::Trial { round: mine }, CallOutcome::Failure)
                if round == mine =>
            {
                self.trip(now, settings)
            }
            (
                State::HalfOpen { since, round, trials, successes },
                Admission::Trial { round: mine },
                CallOutcome::Success,
            ) if round == mine => {
                if successes + 1 >= settings.max_requests {
                    State::Closed { failures: 0, since: now }
                } else {
                    State::HalfOpen { since, round, trials, successes: successes + 1 }
                }
            }
            // From before the state changed: it says nothing about now.
            (unchanged, _, _) => unchanged,
        };
        let opened = !matches!(*state, State::Open { .. }) && matches!(next, State::Open { .. });
        *state = next;
        opened
    }

    fn trip(&self, now: Instant, settings: &CircuitBreakerSettings) -> State {
        self.trips.fetch_add(1, Ordering::Relaxed);
        State::Open { until: now + settings.timeout }
    }

    /// Whether it makes no difference, or nobody has asked for so long that it need not.
    fn is_at_rest(&self, now: Instant, settings: &CircuitBreakerSettings) -> bool {
        match *self.state.lock() {
            State::Closed { failures, since } => {
                failures == 0 || now.duration_since(since) >= settings.interval
            }
            State::Open { until } => now.duration_since(until) >= settings.timeout,
            State::HalfOpen { since, trials, .. } => {
                trials == 0 && now.duration_since(since) >= settings.timeout
            }
        }
    }

    /// The larger, the more would be lost by forgetting it.
    fn weight(&self) -> (bool, Instant) {
        match *self.state.lock() {
            State::Closed { since, .. } => (false, since),
            State::Open { until } => (true, until),
            State::HalfOpen { since, .. } => (true, since),
        }
    }

    fn status(&self, name: &CircuitName, now: Instant) -> CircuitStatus {
        let state = match *self.state.lock() {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { until } if now < until => CircuitState::Open,
            State::Open { .. } | State::HalfOpen { .. } => CircuitState::HalfOpen,
        };
        CircuitStatus {
            name: name.clone(),
            state,
            trips: self.trips.load(Ordering::Relaxed),
            rejects: self.rejects.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
