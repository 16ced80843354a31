//! The time by which records are deleted. A clock may be wrong for a while: by then, nothing that it makes old may be gone.

use jiff::{SignedDuration, Timestamp};
use quanta::Instant;
use std::time::Duration;

/// How far the clock may run ahead of the time that has passed between two readings.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// How long a clock that jumped ahead has to keep its new course, at most, before it is believed.
const CONFIRMED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What is known of the time: the latest reading that was believed, and a monotonic clock since.
///
/// A reading that is earlier than expected is believed at once, for it deletes less. One that is later is believed when
/// as much time has passed as the clock jumped ahead, or a day, and the clock kept its new course all the while. Until
/// then time goes on from the last reading that was believed.
#[derive(Debug)]
pub(crate) struct TrustedTime {
    at: Timestamp,
    read_at: Instant,
    jump: Option<Jump>,
}

#[derive(Debug)]
struct Jump {
    by: SignedDuration,
    seen_at: Instant,
}

impl TrustedTime {
    /// Begins with the clock's first reading, at `now`. `last_activity` is the latest time that is known to have come: what
    /// lies between it and the reading may be a time without a gateway, or a clock that is wrong.
    pub(crate) fn new(wall: Timestamp, last_activity: Option<Timestamp>, now: Instant) -> Self {
        let at = last_activity.map_or(wall, |sign| sign.min(wall));
        let by = wall.duration_since(at);
        let jump = (by > TOLERANCE).then_some(Jump { by, seen_at: now });
        if jump.is_some() {
            tracing::info!(
                last_activity = %at, clock = %wall,
                "nothing was recorded since: deletion by age goes by that time until as much time has passed, or a day"
            );
        }
        Self { at, read_at: now, jump }
    }

    /// The time to go by, when the clock reads `wall` at `now`.
    pub(crate) fn read(&mut self, wall: Timestamp, now: Instant) -> Timestamp {
        let expected = self.at.saturating_add(signed(now.duration_since(self.read_at))).unwrap_or(self.at);
        let by = wall.duration_since(expected);
        self.read_at = now;
        self.at = if by <= TOLERANCE {
            if self.jump.take().is_some() {
                tracing::info!(clock = %wall, "the clock agrees again with the time that has passed");
            }
            wall
        } else {
            match &self.jump {
                Some(jump) if (by - jump.by).abs() <= TOLERANCE => {
                    let kept_for = signed(now.duration_since(jump.seen_at));
                    if kept_for >= by.min(CONFIRMED_AFTER) {
                        tracing::info!(clock = %wall, "the clock kept its course: deletion by age goes by it again");
                        self.jump = None;
                        wall
                    } else {
                        expected
                    }
                }
                _ => {
                    tracing::warn!(
                        clock = %wall, expected = %expected,
                        "the clock jumped ahead: deletion by age waits until as much time has passed, or a day; \
                         check the clock of the machine"
                    );
                    self.jump = Some(Jump { by, seen_at: now });
                    expected
                }
            }
        };
        self.at
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quanta::{Clock, Mock};
    use std::sync::Arc;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);
    const DAYS: i64 = 24;

    /// A trusted time, a true time, and by how much the clock is wrong.
    struct World {
        clock: Clock,
        mock: Arc<Mock>,
        truth: Timestamp,
        wrong_by: SignedDuration,
        trusted: TrustedTime,
    }

    impl World {
        fn new(last_activity: SignedDuration) -> Self {
            let (clock, mock) = Clock::mock();
            let truth: Timestamp = "2026-01-31T12:00:00Z".parse().expect("a timestamp");
            let trusted = TrustedTime::new(truth, Some(truth - last_activity), clock.now());
            Self { clock, mock, truth, wrong_by: SignedDuration::ZERO, trusted }
        }

        /// Lets time pass, and returns how far the time that is gone by is behind the true one.
        fn after(&mut self, time: Duration) -> SignedDuration {
            self.mock.increment(time);
            self.truth += time;
            self.truth.duration_since(self.trusted.read(self.truth + self.wrong_by, self.clock.now()))
        }
    }

    #[test]
    fn a_clock_that_goes_right_is_believed() {
        let mut world = World::new(SignedDuration::ZERO);
        for _ in 0..100 {
            world.wrong_by += SignedDuration::from_millis(30); // it is corrected all the time
            assert_eq!(world.after(MINUTE), -world.wrong_by);
        }
    }

    #[test]
    fn a_jump_ahead_counts_only_when_as_much_time_has_passed_or_a_day() {
        for (jump, minutes) in [(2, 120), (90 * DAYS, 24 * 60)] {
            let mut world = World::new(SignedDuration::ZERO);
            world.after(MINUTE);
            world.wrong_by = SignedDuration::from_hours(jump);
            for minute in 0..minutes {
                assert_eq!(world.after(MINUTE), SignedDuration::ZERO, "{jump} h, minute {minute}");
            }
            assert_eq!(world.after(MINUTE), -world.wrong_by, "it is the time now");
        }
    }

    #[test]
    fn a_jump_that_is_taken_back_never_counts() {
        let mut world = World::new(SignedDuration::ZERO);
        for _ in 0..50 {
            world.wrong_by = SignedDuration::from_hours(24 * 90);
            assert_eq!(world.after(HOUR), SignedDuration::ZERO);
            world.wrong_by = SignedDuration::ZERO;
            assert_eq!(world.after(MINUTE), SignedDuration::ZERO);
        }
        for days in 1..50 {
            world.wrong_by = SignedDuration::from_hours(24 * days); // it keeps no course
            assert_eq!(world.after(HOUR), SignedDuration::ZERO);
        }
    }

    #[test]
    fn a_clock_set_back_is_believed_at_once() {
        let mut world = World::new(SignedDuration::ZERO);
        world.wrong_by = SignedDuration::from_hours(-5);
        assert_eq!(world.after(MINUTE), SignedDuration::from_hours(5));
    }

    #[test]
    fn a_start_goes_on_from_the_last_sign_of_time() {
        let (away, none) = (SignedDuration::from_hours(3), SignedDuration::ZERO);
        let mut world = World::new(away);
        for _ in 0..179 {
            assert_eq!(world.after(MINUTE), away);
        }
        assert_eq!(world.after(MINUTE), none);

        let mut world = World::new(SignedDuration::from_hours(-3)); // the last gateway had a wrong clock
        assert_eq!(world.after(MINUTE), none);
        let clock = world.clock.now();
        let mut first = TrustedTime::new(world.truth, None, clock);
        assert_eq!(first.read(world.truth, clock), world.truth, "a new store has nothing old");
    }
}
