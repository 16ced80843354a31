//! Tests of the token bucket.

use super::*;
use proptest::prelude::*;
use quanta::{Clock, Mock};
use std::sync::Arc;

const SECOND: u64 = 1_000_000_000;

fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn pass(mock: &Arc<Mock>, nanoseconds: u64) {
    mock.increment(Duration::from_nanos(nanoseconds));
}

#[test]
fn a_full_bucket_can_be_used_at_once_and_is_refilled_evenly() {
    for (per_minute, one_every) in
        [(1, 60 * SECOND), (3, 20 * SECOND), (7, 8_571_428_572), (60_000, SECOND / 1000)]
    {
        let (clock, mock) = Clock::mock();
        let mut bucket = Bucket::full(limit(per_minute), clock.now());
        for used in 0..per_minute {
            let now = clock.now();
            assert_eq!(
                (bucket.used(now), bucket.wait(now)),
                (u64::from(used), Duration::ZERO),
                "{per_minute}"
            );
            bucket.take(1, now);
        }
        let now = clock.now();
        assert_eq!(bucket.used(now), u64::from(per_minute));
        assert_eq!(
            (bucket.wait(now), bucket.reset(now)),
            (Duration::from_nanos(one_every), Duration::from_secs(60))
        );
        pass(&mock, one_every - 1);
        assert_eq!(bucket.wait(clock.now()), Duration::from_nanos(1), "{per_minute}");
        pass(&mock, 1);
        assert_eq!(bucket.wait(clock.now()), Duration::ZERO, "{per_minute}");
        pass(&mock, 3600 * SECOND);
        assert!(bucket.is_full(clock.now()), "{per_minute}: it holds at most a minute's worth");
    }
}

#[test]
fn a_debt_is_refilled_before_the_bucket_holds_one_again() {
    let (clock, mock) = Clock::mock();
    let mut bucket = Bucket::full(limit(60), clock.now());
    bucket.take(90, clock.now());
    assert_eq!((bucket.used(clock.now()), bucket.wait(clock.now())), (90, Duration::from_secs(31)));
    pass(&mock, 30 * SECOND);
    assert_eq!((bucket.used(clock.now()), bucket.wait(clock.now())), (60, Duration::from_secs(1)));
}

#[test]
fn absurd_usage_blocks_an_actor_for_a_day_at_most() {
    let (clock, _) = Clock::mock();
    for per_minute in [1, 1000, u32::MAX] {
        let mut bucket = Bucket::full(limit(per_minute), clock.now());
        bucket.take(u64::MAX, clock.now());
        bucket.take(u64::MAX, clock.now());
        assert!(bucket.reset(clock.now()) <= Duration::from_secs(24 * 3600), "{per_minute}");
        assert!(bucket.used(clock.now()) > u64::from(per_minute) * 3, "{per_minute}");
        let lower = bucket.with_limit(limit(per_minute.div_ceil(2)), clock.now());
        assert!(lower.reset(clock.now()) <= bucket.reset(clock.now()), "{per_minute}");
    }
}

#[test]
fn another_limit_never_prolongs_the_wait() {
    let (clock, _) = Clock::mock();
    let now = clock.now();
    let table = [
        // (limit, used, new limit, used then)
        (10, 10, 20, 10),
        (10, 4, 1000, 4),
        (10, 25, 20, 25),
        (20, 10, 10, 5),
        (20, 20, 10, 10),
        (20, 40, 10, 20),
        (60, 60, 1, 1),
        (10, 3, 10, 3),
        (10, 0, 5, 0),
    ];
    for (old, used, new, then) in table {
        let mut bucket = Bucket::full(limit(old), now);
        bucket.take(used, now);
        let changed = bucket.with_limit(limit(new), now);
        assert_eq!((changed.used(now), changed.limit()), (then, new), "{used} of {old} under {new}");
        assert!(changed.reset(now) <= bucket.reset(now), "{used} of {old} under {new}");
    }
}

/// Computes the used parts from the whole history: the largest excess of the amount taken over the amount refilled, of all
/// periods that end now.
fn naively_used(taken: &[(u64, u64)], now: u64, per_minute: u32) -> u128 {
    let periods = (0..taken.len()).map(|from| {
        let sum: u128 = taken[from..].iter().map(|&(_, amount)| u128::from(amount) * PARTS).sum();
        sum.saturating_sub(u128::from(now - taken[from].0) * u128::from(per_minute))
    });
    periods.max().unwrap_or(0)
}

proptest! {
    #[test]
    fn the_bucket_agrees_with_a_naive_model(
        per_minute in prop_oneof![1..10_u32, 1..1_000_000_u32],
        steps in proptest::collection::vec((0..20 * SECOND, 0..8_u64, any::<bool>()), 1..40),
    ) {
        let (clock, mock) = Clock::mock();
        let mut bucket = Bucket::full(limit(per_minute), clock.now());
        let (mut taken, mut elapsed) = (Vec::new(), 0);
        for (pause, amount, waits) in steps {
            let pause = if waits { pause.max(bucket.wait(clock.now()).as_nanos() as u64) } else { pause };
            pass(&mock, pause);
            elapsed += pause;
            let now = clock.now();
            let used = naively_used(&taken, elapsed, per_minute);
            prop_assert_eq!(bucket.used(now), u64::try_from(used.div_ceil(PARTS)).unwrap());
            prop_assert_eq!(bucket.is_full(now), used == 0);
            let has_one = used + PARTS <= u128::from(per_minute) * PARTS;
            prop_assert_eq!(bucket.wait(now).is_zero(), has_one);
            prop_assert!(has_one || !waits, "a client that waits as long as required gets one");
            taken.push((elapsed, amount));
            bucket.take(amount, now);
        }
    }
}
