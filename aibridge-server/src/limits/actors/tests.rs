use super::*;

fn per_minute(requests: u32, tokens: u32) -> PerMinute {
    PerMinute { requests: NonZeroU32::new(requests), tokens: NonZeroU32::new(tokens) }
}

fn known(actors: &Actors) -> usize {
    actors.known.lock().actors.len()
}

#[test]
fn nobody_is_known_without_a_limit() {
    let (clock, _) = Clock::mock();
    let actors = Actors::new(clock);
    for _ in 0..100 {
        assert_eq!(actors.request("ann", per_minute(0, 0), true), Ok(()));
        actors.charge("ann", per_minute(0, 0), 100);
        actors.charge("ann", per_minute(1, 0), 100);
    }
    assert_eq!(known(&actors), 0);
}

#[test]
fn a_refused_request_costs_nothing() {
    let (clock, mock) = Clock::mock();
    let actors = Actors::new(clock);
    let limits = per_minute(2, 10);
    actors.charge("ann", limits, 10);
    for _ in 0..5 {
        let refused = actors.request("ann", limits, true).unwrap_err();
        assert_eq!((refused.exceeded.unit, refused.exceeded.used), (Unit::Tokens, 10));
        assert_eq!(refused.other.unwrap().used, 0, "of requests");
    }
    mock.increment(Duration::from_secs(6));
    assert_eq!(actors.request("ann", limits, true), Ok(()));
    assert_eq!(actors.request("ann", limits, true), Ok(()));
    for _ in 0..5 {
        assert_eq!(actors.request("ann", limits, true).unwrap_err().retry_after, Duration::from_secs(30));
    }
}

#[test]
fn of_two_limits_the_longer_wait_is_told() {
    let (clock, _) = Clock::mock();
    let actors = Actors::new(clock);
    let limits = per_minute(1, 100);
    assert_eq!(actors.request("ann", limits, true), Ok(()));
    for (tokens, unit, seconds) in
        [(100, Unit::Requests, 60), (1, Unit::Requests, 60), (99, Unit::Tokens, 60)]
    {
        actors.charge("ann", limits, tokens);
        let refused = actors.request("ann", limits, true).unwrap_err();
        let told = (refused.exceeded.unit, refused.retry_after.as_secs());
        assert_eq!(told.0, unit, "{tokens} more tokens");
        assert!(told.1 >= seconds, "{told:?}");
        assert_ne!(refused.other.unwrap().unit, unit);
    }
}

#[test]
fn what_spends_no_tokens_does_not_wait_for_them() {
    let (clock, _) = Clock::mock();
    let actors = Actors::new(clock);
    let limits = per_minute(1, 10);
    actors.charge("ann", limits, 1000);
    assert_eq!(actors.request("ann", limits, false), Ok(()));
    let refused = actors.request("ann", limits, false).unwrap_err();
    assert_eq!((refused.exceeded.unit, refused.retry_after.as_secs()), (Unit::Requests, 60));
}

#[test]
fn actors_are_forgotten_when_they_have_all_again_and_not_before() {
    let (clock, mock) = Clock::mock();
    let actors = Actors::new(clock);
    let limits = per_minute(1, 0);
    for number in 0..3 * FORGET_FROM {
        assert_eq!(actors.request(&format!("actor {number}"), limits, true), Ok(()));
    }
    assert_eq!(known(&actors), 3 * FORGET_FROM);
    for number in 0..3 * FORGET_FROM {
        assert!(actors.request(&format!("actor {number}"), limits, true).is_err(), "{number}");
    }
    for round in 0..20 {
        mock.increment(Duration::from_secs(60));
        for number in 0..FORGET_FROM {
            assert_eq!(actors.request(&format!("{number} in round {round}"), limits, true), Ok(()));
        }
        assert!(known(&actors) <= 4 * FORGET_FROM, "{} in round {round}", known(&actors));
    }
}
