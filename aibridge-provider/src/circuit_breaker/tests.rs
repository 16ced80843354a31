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

    fn call(&self, model: &str, went: Went) -> bool {
        let guard = self.guard(model);
        match guard.admit() {
            Ok(admission) => {
                guard.report(admission, went);
                true
            }
            Err(_) => false,
        }
    }

    fn fail(&self, times: usize) {
        for _ in 0..times {
            assert!(self.call("m", Went::Badly));
        }
    }

    fn state(&self) -> Option<CircuitState> {
        self.breaker.statuses().first().map(|status| status.state)
    }

    fn pass(&self, seconds: u64) {
        self.clock.increment(Duration::from_secs(seconds));
    }
}

#[test]
fn consecutive_failures_open_it_for_its_time() {
    let bench = Bench::new();
    bench.fail(4);
    assert_eq!(bench.state(), Some(CircuitState::Closed));
    bench.fail(1);
    assert_eq!(bench.state(), Some(CircuitState::Open));
    bench.pass(10);
    assert_eq!(bench.guard("m").admit(), Err(Rejected { retry_after: Duration::from_secs(20) }));
    assert!(bench.call("other", Went::Well), "another model is another circuit");
    bench.pass(20);
    assert_eq!(bench.state(), Some(CircuitState::HalfOpen));
    assert_eq!(bench.breaker.statuses()[0].trips, 1);
    assert_eq!(bench.breaker.statuses()[0].rejects, 1);
}

#[test]
fn successes_and_time_forget_failures() {
    let bench = Bench::new();
    bench.fail(4);
    bench.call("m", Went::Well);
    bench.fail(4);
    bench.pass(10);
    bench.fail(4);
    bench.call("m", Went::Unknown);
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
    let trials: Vec<_> = (0..3).map(|_| guard.admit().unwrap()).collect();
    assert!(guard.admit().is_err(), "no more than max_requests at once");
    guard.report(trials[0], Went::Unknown);
    let fourth = guard.admit().unwrap();
    guard.report(trials[1], Went::Well);
    guard.report(trials[2], Went::Well);
    assert_eq!(bench.state(), Some(CircuitState::HalfOpen));
    guard.report(fourth, Went::Well);
    assert_eq!(bench.state(), Some(CircuitState::Closed));
}

#[test]
fn one_failed_trial_opens_it_again_and_the_others_do_not_count() {
    let bench = Bench::new();
    bench.fail(5);
    bench.pass(30);
    let guard = bench.guard("m");
    let trials: Vec<_> = (0..2).map(|_| guard.admit().unwrap()).collect();
    guard.report(trials[0], Went::Badly);
    assert_eq!(bench.state(), Some(CircuitState::Open));
    bench.pass(30);
    let fresh = guard.admit().unwrap();
    guard.report(trials[1], Went::Badly);
    assert_eq!(bench.state(), Some(CircuitState::HalfOpen), "a trial of an earlier round says nothing");
    guard.report(fresh, Went::Badly);
    assert_eq!(bench.breaker.statuses()[0].trips, 3);
}

#[test]
fn invented_models_do_not_fill_the_memory() {
    let bench = Bench::new();
    for n in 0..10 * CIRCUITS_AT_MOST {
        bench.call(&format!("invented-{n}"), Went::Badly);
        bench.call(&format!("fine-{n}"), Went::Well);
    }
    assert_eq!(bench.breaker.statuses().len(), CIRCUITS_AT_MOST);
    bench.pass(10);
    bench.fail(5);
    assert!(!bench.call("m", Went::Well), "what is at rest makes room for what fails now");
}
