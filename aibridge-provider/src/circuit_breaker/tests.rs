use super::*;

struct Bench {
    breaker: CircuitBreaker,
    clock: Arc<quanta::Mock>,
}

impl Bench {
    fn new() -> Self {
        let (clock, mock) = Clock::mock();
        Self { breaker: CircuitBreaker::new(CircuitBreakerSettings::default(), clock), clock: mock }
    }

    fn guard(&self, model: &str) -> Arc<dyn Guard> {
        self.breaker.guard("/responses", model)
    }

    fn call(&self, model: &str, went: CallOutcome) -> bool {
        let guard = self.guard(model);
        let admitted = guard.admit(true);
        admitted.inspect(|admission| end(&*guard, *admission, went)).is_ok()
    }

    fn fail(&self, times: usize) {
        for _ in 0..times {
            assert!(self.call("m", CallOutcome::Failure));
        }
    }

    fn state(&self) -> Option<CircuitState> {
        self.breaker.statuses().first().map(|status| status.state)
    }

    fn pass(&self, seconds: u64) {
        self.clock.increment(Duration::from_secs(seconds));
    }
}

fn end(guard: &dyn Guard, admission: Admission, went: CallOutcome) {
    guard.report(admission, went);
    guard.release(admission);
}

#[test]
fn consecutive_failures_open_it_for_its_time() {
    let bench = Bench::new();
    bench.fail(4);
    assert_eq!(bench.state(), Some(CircuitState::Closed));
    bench.fail(1);
    assert_eq!(bench.state(), Some(CircuitState::Open));
    bench.pass(10);
    assert_eq!(bench.guard("m").admit(true), Err(Rejection { retry_after: Duration::from_secs(20) }));
    assert!(bench.call("other", CallOutcome::Success), "another model is another circuit");
    bench.pass(20);
    assert_eq!(bench.state(), Some(CircuitState::HalfOpen));
    assert_eq!(bench.breaker.statuses()[0].trips, 1);
    assert_eq!(bench.breaker.statuses()[0].rejects, 1);
}

#[test]
fn successes_and_time_forget_failures() {
    let bench = Bench::new();
    bench.fail(4);
    bench.call("m", CallOutcome::Success);
    bench.fail(4);
    bench.pass(10);
    bench.fail(4);
    assert_eq!(bench.state(), Some(CircuitState::Closed));
    bench.fail(1);
    assert_eq!(bench.state(), Some(CircuitState::Open));
}

#[test]
fn half_open_admits_a_few_and_their_successes_close_it() {
    let bench = Bench::new();
    bench.fail(5);
    bench.pass(30);
    let guard = bench.guard("m");
    let trials: Vec<_> = (0..3).map(|_| guard.admit(true).unwrap()).collect();
    assert!(guard.admit(true).is_err(), "no more than max_requests at once");
    guard.release(trials[0]);
    let fourth = guard.admit(true).unwrap();
    end(&*guard, trials[1], CallOutcome::Success);
    end(&*guard, trials[2], CallOutcome::Success);
    assert_eq!(bench.state(), Some(CircuitState::HalfOpen));
    end(&*guard, fourth, CallOutcome::Success);
    assert_eq!(bench.state(), Some(CircuitState::Closed));
}

#[test]
fn one_failed_trial_opens_it_again_and_the_others_do_not_count() {
    let bench = Bench::new();
    bench.fail(5);
    bench.pass(30);
    let guard = bench.guard("m");
    let trials: Vec<_> = (0..2).map(|_| guard.admit(true).unwrap()).collect();
    end(&*guard, trials[0], CallOutcome::Failure);
    assert_eq!(bench.state(), Some(CircuitState::Open));
    bench.pass(30);
    let fresh = guard.admit(true).unwrap();
    end(&*guard, trials[1], CallOutcome::Failure);
    assert_eq!(bench.state(), Some(CircuitState::HalfOpen), "a trial of an earlier round says nothing");
    end(&*guard, fresh, CallOutcome::Failure);
    assert_eq!(bench.breaker.statuses()[0].trips, 3);
}

#[test]
fn trips_outlive_their_circuits() {
    let bench = Bench::new();
    let trips =
        || bench.breaker.trips().into_iter().map(|(name, trips)| (name.model, trips)).collect::<Vec<_>>();
    bench.fail(5);
    assert_eq!(trips(), [("m".to_owned(), 1)]);
    bench.pass(30);
    for _ in 0..3 {
        bench.call("m", CallOutcome::Success);
    }
    for n in 0..2 * CIRCUITS_AT_MOST {
        bench.call(&format!("invented-{n}"), CallOutcome::Failure);
    }
    assert!(bench.breaker.statuses().iter().all(|status| status.name.model != "m"), "it is forgotten");
    assert_eq!(trips(), [("m".to_owned(), 1)]);
    bench.pass(10);
    bench.fail(5);
    assert_eq!(trips(), [("m".to_owned(), 2)]);
}

#[test]
fn models_that_trip_do_not_fill_the_memory() {
    let bench = Bench::new();
    for n in 0..CIRCUITS_AT_MOST + 10 {
        bench.breaker.shared.count_trip(&CircuitName { route: "/r".into(), model: format!("m-{n}") });
    }
    let trips = bench.breaker.trips();
    assert_eq!(trips.len(), CIRCUITS_AT_MOST + 1);
    let shared = trips.iter().find(|(name, _)| name.model == "other").map(|(_, trips)| *trips);
    assert_eq!(shared, Some(10));
}

#[test]
fn a_trial_gives_its_place_back_when_it_is_answered_but_tells_how_it_went_at_the_end() {
    let bench = Bench::new();
    bench.fail(5);
    bench.pass(30);
    let guard = bench.guard("m");
    let trials: Vec<_> =
        (0..6).map(|_| guard.admit(true).inspect(|trial| guard.release(*trial)).unwrap()).collect();
    guard.report(trials[0], CallOutcome::Success);
    guard.report(trials[1], CallOutcome::Success);
    assert_eq!(bench.state(), Some(CircuitState::HalfOpen));
    guard.report(trials[2], CallOutcome::Failure);
    assert_eq!(bench.state(), Some(CircuitState::Open));
    guard.report(trials[3], CallOutcome::Success);
    assert_eq!(bench.state(), Some(CircuitState::Open));
}

#[test]
fn what_does_not_count_takes_no_place_from_the_trials() {
    let bench = Bench::new();
    bench.fail(5);
    let guard = bench.guard("m");
    assert!(guard.admit(false).is_err());
    bench.pass(30);
    for _ in 0..10 {
        assert_eq!(guard.admit(false), Ok(Admission::Normal));
    }
    assert_eq!((0..10).filter(|_| guard.admit(true).is_ok()).count(), 3);
}

#[test]
fn invented_models_do_not_fill_the_memory_and_do_not_keep_out_what_is_used() {
    let bench = Bench::new();
    let long = "x".repeat(1 << 20);
    for went in [1, 5] {
        for n in 0..3 * CIRCUITS_AT_MOST {
            for _ in 0..went {
                bench.call(&format!("invented-{went}-{n}-{long}"), CallOutcome::Failure);
            }
            bench.call(&format!("fine-{n}"), CallOutcome::Success);
        }
        let statuses = bench.breaker.statuses();
        assert!(statuses.len() <= CIRCUITS_AT_MOST, "{}", statuses.len());
        assert!(statuses.iter().all(|status| status.name.model.len() <= MODEL_AT_MOST));
        let model = format!("m{went}");
        (0..5).for_each(|_| assert!(bench.call(&model, CallOutcome::Failure)));
        assert!(!bench.call(&model, CallOutcome::Success), "there is room for what fails now");
    }
}

#[test]
fn what_is_open_outlives_what_failed_a_little() {
    let bench = Bench::new();
    bench.fail(5);
    for n in 0..10 * CIRCUITS_AT_MOST {
        bench.call(&format!("invented-{n}"), CallOutcome::Failure);
    }
    assert!(!bench.call("m", CallOutcome::Success));
}

#[test]
fn an_open_circuit_that_nobody_asks_for_any_more_makes_room() {
    let bench = Bench::new();
    for n in 0..CIRCUITS_AT_MOST {
        for _ in 0..5 {
            bench.call(&format!("invented-{n}"), CallOutcome::Failure);
        }
    }
    bench.pass(60);
    bench.fail(1);
    assert_eq!(bench.breaker.statuses().len(), 1);
}
