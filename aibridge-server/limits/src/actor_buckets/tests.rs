//! Tests of the buckets of actors.

use super::*;

fn per_minute(requests: u32, tokens: u32) -> PerMinute {
    PerMinute { requests: NonZeroU32::new(requests), tokens: NonZeroU32::new(tokens) }
}

fn count(actors: &ActorBuckets) -> usize {
    actors.map.lock().actors.len()
}

#[test]
fn no_actor_is_stored_without_a_limit() {
    let (clock, _) = Clock::mock();
    let actors = ActorBuckets::new(clock);
    for _ in 0..100 {
        assert_eq!(actors.take_request("ann", per_minute(0, 0), true), Ok(()));
        actors.charge_tokens("ann", per_minute(0, 0), 100);
        actors.charge_tokens("ann", per_minute(1, 0), 100);
    }
    assert_eq!(count(&actors), 0);
}

#[test]
fn a_refused_request_costs_nothing() {
    let (clock, mock) = Clock::mock();
    let actors = ActorBuckets::new(clock);
    let limits = per_minute(2, 10);
    actors.charge_tokens("ann", limits, 10);
    for _ in 0..5 {
        let refused = actors.take_request("ann", limits, true).unwrap_err();
        assert_eq!((refused.exceeded.unit, refused.exceeded.used), (Unit::Tokens, 10));
        assert_eq!(refused.other.unwrap().used, 0, "of requests");
    }
    mock.increment(Duration::from_secs(6));
    assert_eq!(actors.take_request("ann", limits, true), Ok(()));
    assert_eq!(actors.take_request("ann", limits, true), Ok(()));
    for _ in 0..5 {
        assert_eq!(
            actors.take_request("ann", limits, true).unwrap_err().retry_after,
            Duration::from_secs(30)
        );
    }
}

#[test]
fn of_two_limits_the_longer_wait_is_reported() {
    let (clock, _) = Clock::mock();
    let actors = ActorBuckets::new(clock);
    let limits = per_minute(1, 100);
    assert_eq!(actors.take_request("ann", limits, true), Ok(()));
    for (tokens, unit, seconds) in
        [(100, Unit::Requests, 60), (1, Unit::Requests, 60), (99, Unit::Tokens, 60)]
    {
        actors.charge_tokens("ann", limits, tokens);
        let refused = actors.take_request("ann", limits, true).unwrap_err();
        let reported = (refused.exceeded.unit, refused.retry_after.as_secs());
        assert_eq!(reported.0, unit, "{tokens} more tokens");
        assert!(reported.1 >= seconds, "{reported:?}");
        assert_ne!(refused.other.unwrap().unit, unit);
    }
}

#[test]
fn a_request_that_spends_no_tokens_does_not_wait_for_them() {
    let (clock, _) = Clock::mock();
    let actors = ActorBuckets::new(clock);
    let limits = per_minute(1, 10);
    actors.charge_tokens("ann", limits, 1000);
    assert_eq!(actors.take_request("ann", limits, false), Ok(()));
    let refused = actors.take_request("ann", limits, false).unwrap_err();
    assert_eq!((refused.exceeded.unit, refused.retry_after.as_secs()), (Unit::Requests, 60));
}

#[test]
fn actors_are_removed_only_when_their_buckets_are_full() {
    let (clock, mock) = Clock::mock();
    let actors = ActorBuckets::new(clock);
    let limits = per_minute(1, 0);
    for number in 0..3 * FIRST_CLEANUP {
        assert_eq!(actors.take_request(&format!("actor {number}"), limits, true), Ok(()));
    }
    assert_eq!(count(&actors), 3 * FIRST_CLEANUP);
    for number in 0..3 * FIRST_CLEANUP {
        assert!(actors.take_request(&format!("actor {number}"), limits, true).is_err(), "{number}");
    }
    for round in 0..20 {
        mock.increment(Duration::from_secs(60));
        for number in 0..FIRST_CLEANUP {
            assert_eq!(actors.take_request(&format!("{number} in round {round}"), limits, true), Ok(()));
        }
        assert!(count(&actors) <= 4 * FIRST_CLEANUP, "{} in round {round}", count(&actors));
    }
}
