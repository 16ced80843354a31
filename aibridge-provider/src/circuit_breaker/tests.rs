//! Tests of the circuit breaker, with a mock clock.

use super::*;
use std::time::Duration;

struct Fixture {
    breaker: CircuitBreaker,
    clock: Arc<quanta::Mock>,
}

impl Fixture {
    fn new() -> Self {
        let (clock, mock) = Clock::mock();
        Self { breaker: CircuitBreaker::new(CircuitBreakerSettings::default(), clock), clock: mock }
    }

    fn guard(&self, model: &str) -> Arc<dyn Guard> {
        self.breaker.guard("/responses", model)
    }

    fn call(&self, model: &str, outcome: CallOutcome) -> bool {
        let guard = self.guard(model);
        let admitted = guard.admit(true);
        admitted.inspect(|admission| end(&*guard, *admission, outcome)).is_ok()
    }

    fn fail(&self, times: usize) {
        for _ in 0..times {
            assert!(self.call("m", CallOutcome::Failure));
        }
    }

    fn state(&self) -> Option<CircuitState> {
        self.breaker.statuses().first().map(|status| status.state)
    }

    fn wait(&self, seconds: u64) {
        self.clock.increment(Duration::from_secs(seconds));
    }
}

fn end(guard: &dyn Guard, admission: Admission, outcome: CallOutcome) {
    guard.report(admission, outcome);
    guard.release(admission);
}

#[test]
fn consecutive_failures_open_a_circuit_for_its_timeout() {
    let fixture = Fixture::new();
    fixture.fail(4);
    assert_eq!(fixture.state(), Some(CircuitState::Closed));
    fixture.fail(1);
    assert_eq!(fixture.state(), Some(CircuitState::Open));
    fixture.wait(10);
    assert_eq!(fixture.guard("m").admit(true), Err(Rejection { retry_after: Duration::from_secs(20) }));
    assert!(fixture.call("other", CallOutcome::Success), "another model is another circuit");
    fixture.wait(20);
    assert_eq!(fixture.state(), Some(CircuitState::HalfOpen));
    assert_eq!(fixture.breaker.statuses()[0].trips, 1);
    assert_eq!(fixture.breaker.statuses()[0].rejects, 1);
}

#[test]
fn a_success_or_the_interval_resets_failures() {
    let fixture = Fixture::new();
    fixture.fail(4);
    fixture.call("m", CallOutcome::Success);
    fixture.fail(4);
    fixture.wait(10);
    fixture.fail(4);
    assert_eq!(fixture.state(), Some(CircuitState::Closed));
    fixture.fail(1);
    assert_eq!(fixture.state(), Some(CircuitState::Open));
}

#[test]
fn a_half_open_circuit_admits_probes_whose_successes_close_it() {
    let fixture = Fixture::new();
    fixture.fail(5);
    fixture.wait(30);
    let guard = fixture.guard("m");
    let probes: Vec<_> = (0..3).map(|_| guard.admit(true).unwrap()).collect();
    assert!(guard.admit(true).is_err(), "no more than max_requests at once");
    guard.release(probes[0]);
    let fourth = guard.admit(true).unwrap();
    end(&*guard, probes[1], CallOutcome::Success);
    end(&*guard, probes[2], CallOutcome::Success);
    assert_eq!(fixture.state(), Some(CircuitState::HalfOpen));
    end(&*guard, fourth, CallOutcome::Success);
    assert_eq!(fixture.state(), Some(CircuitState::Closed));
}

#[test]
fn one_failed_probe_opens_the_circuit_and_the_others_do_not_count() {
    let fixture = Fixture::new();
    fixture.fail(5);
    fixture.wait(30);
    let guard = fixture.guard("m");
    let probes: Vec<_> = (0..2).map(|_| guard.admit(true).unwrap()).collect();
    end(&*guard, probes[0], CallOutcome::Failure);
    assert_eq!(fixture.state(), Some(CircuitState::Open));
    fixture.wait(30);
    let current = guard.admit(true).unwrap();
    end(&*guard, probes[1], CallOutcome::Failure);
    assert_eq!(fixture.state(), Some(CircuitState::HalfOpen), "a probe of an earlier round does not count");
    end(&*guard, current, CallOutcome::Failure);
    assert_eq!(fixture.breaker.statuses()[0].trips, 3);
}

#[test]
fn trips_are_counted_after_an_eviction() {
    let fixture = Fixture::new();
    let trips =
        || fixture.breaker.trips().into_iter().map(|(name, trips)| (name.model, trips)).collect::<Vec<_>>();
    fixture.fail(5);
    assert_eq!(trips(), [("m".to_owned(), 1)]);
    fixture.wait(30);
    for _ in 0..3 {
        fixture.call("m", CallOutcome::Success);
    }
    for n in 0..2 * MAX_CIRCUITS {
        fixture.call(&format!("random-{n}"), CallOutcome::Failure);
    }
    assert!(
        fixture.breaker.statuses().iter().all(|status| status.name.model != "m"),
        "its circuit is evicted"
    );
    assert_eq!(trips(), [("m".to_owned(), 1)]);
    fixture.wait(10);
    fixture.fail(5);
    assert_eq!(trips(), [("m".to_owned(), 2)]);
}

#[test]
fn the_number_of_trip_counters_is_bounded() {
    let fixture = Fixture::new();
    for n in 0..MAX_CIRCUITS + 10 {
        fixture.breaker.shared.count_trip(&CircuitName { route: "/r".into(), model: format!("m-{n}") });
    }
    let trips = fixture.breaker.trips();
    assert_eq!(trips.len(), MAX_CIRCUITS + 1);
    let shared = trips.iter().find(|(name, _)| name.model == "other").map(|(_, trips)| *trips);
    assert_eq!(shared, Some(10));
}

#[test]
fn a_probe_releases_its_permit_before_it_reports_its_outcome() {
    let fixture = Fixture::new();
    fixture.fail(5);
    fixture.wait(30);
    let guard = fixture.guard("m");
    let probes: Vec<_> =
        (0..6).map(|_| guard.admit(true).inspect(|probe| guard.release(*probe)).unwrap()).collect();
    guard.report(probes[0], CallOutcome::Success);
    guard.report(probes[1], CallOutcome::Success);
    assert_eq!(fixture.state(), Some(CircuitState::HalfOpen));
    guard.report(probes[2], CallOutcome::Failure);
    assert_eq!(fixture.state(), Some(CircuitState::Open));
    guard.report(probes[3], CallOutcome::Success);
    assert_eq!(fixture.state(), Some(CircuitState::Open));
}

#[test]
fn a_call_that_does_not_count_takes_no_permit() {
    let fixture = Fixture::new();
    fixture.fail(5);
    let guard = fixture.guard("m");
    assert!(guard.admit(false).is_err());
    fixture.wait(30);
    for _ in 0..10 {
        assert_eq!(guard.admit(false), Ok(Admission::Normal));
    }
    assert_eq!((0..10).filter(|_| guard.admit(true).is_ok()).count(), 3);
}

#[test]
fn the_number_of_circuits_is_bounded_and_new_failures_have_room() {
    let fixture = Fixture::new();
    let long = "x".repeat(1 << 20);
    for failures in [1, 5] {
        for n in 0..3 * MAX_CIRCUITS {
            for _ in 0..failures {
                fixture.call(&format!("random-{failures}-{n}-{long}"), CallOutcome::Failure);
            }
            fixture.call(&format!("fine-{n}"), CallOutcome::Success);
        }
        let statuses = fixture.breaker.statuses();
        assert!(statuses.len() <= MAX_CIRCUITS, "{}", statuses.len());
        assert!(statuses.iter().all(|status| status.name.model.len() <= MAX_MODEL_BYTES));
        let model = format!("m{failures}");
        (0..5).for_each(|_| assert!(fixture.call(&model, CallOutcome::Failure)));
        assert!(!fixture.call(&model, CallOutcome::Success), "there is room for a new circuit");
    }
}

#[test]
fn open_circuits_are_evicted_last() {
    let fixture = Fixture::new();
    fixture.fail(5);
    for n in 0..10 * MAX_CIRCUITS {
        fixture.call(&format!("random-{n}"), CallOutcome::Failure);
    }
    assert!(!fixture.call("m", CallOutcome::Success));
}

#[test]
fn idle_open_circuits_are_evicted() {
    let fixture = Fixture::new();
    for n in 0..MAX_CIRCUITS {
        for _ in 0..5 {
            fixture.call(&format!("random-{n}"), CallOutcome::Failure);
        }
    }
    fixture.wait(60);
    fixture.fail(1);
    assert_eq!(fixture.breaker.statuses().len(), 1);
}
