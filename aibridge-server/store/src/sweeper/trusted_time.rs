//! The time that retention trusts. A clock may be wrong for a while; nothing may be deleted because of that.

use jiff::{SignedDuration, Timestamp};
use quanta::Instant;
use std::time::Duration;

/// Maximum time by which the clock may run ahead of the monotonic clock between two readings.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// Maximum time for which a clock that jumped ahead has to keep its new course before it is trusted.
const CONFIRMED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The latest trusted reading, and a monotonic clock since.
///
/// A reading that is earlier than expected is trusted at once, because it deletes less. A later one is trusted when
/// as much time has passed as the clock jumped ahead, or a day, and the clock kept its new course for all of that
/// time. Until then, time continues from the last trusted reading.
#[derive(Debug)]
pub(crate) struct TrustedTime {
    at: Timestamp,
    read_at: Instant,
    jump: Option<Jump>,
}

#[derive(Debug)]
struct Jump {
    by: SignedDuration,
    observed_at: Instant,
}

impl TrustedTime {
    /// Starts with the first reading of the clock, at `now`. `last_activity` is the latest time with evidence in the
    /// store: the time between it and the reading may be a time without a gateway, or an error of the clock.
    pub(crate) fn new(wall: Timestamp, last_activity: Option<Timestamp>, now: Instant) -> Self {
        let at = last_activity.map_or(wall, |sign| sign.min(wall));
        let by = wall.duration_since(at);
        let jump = (by > TOLERANCE).then_some(Jump { by, observed_at: now });
        if jump.is_some() {
            tracing::info!(
                last_activity = %at, clock = %wall,
                "nothing was recorded since; retention continues from that time until as much time has passed, or a day"
            );
        }
        Self { at, read_at: now, jump }
    }

    /// The trusted time, when the clock reads `wall` at `now`.
    pub(crate) fn read(&mut self, wall: Timestamp, now: Instant) -> Timestamp {
        let expected = self.at.saturating_add(signed(now.duration_since(self.read_at))).unwrap_or(self.at);
        let by = wall.duration_since(expected);
        self.read_at = now;
        self.at = if by <= TOLERANCE {
            if self.jump.take().is_some() {
                tracing::info!(clock = %wall, "the clock agrees again with the elapsed time");
            }
            wall
        } else {
            match &self.jump {
                Some(jump) if (by - jump.by).abs() <= TOLERANCE => {
                    let kept_for = signed(now.duration_since(jump.observed_at));
                    if kept_for >= by.min(CONFIRMED_AFTER) {
                        tracing::info!(clock = %wall, "the clock kept its course; retention uses it again");
                        self.jump = None;
                        wall
                    } else {
                        expected
                    }
                }
                _ => {
                    tracing::warn!(
                        clock = %wall, expected = %expected,
                        "the clock jumped ahead; retention waits until as much time has passed, or a day; \
                         check the clock of this machine"
                    );
                    self.jump = Some(Jump { by, observed_at: now });
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

    /// A trusted time, the true time, and the error of the clock.
    struct Simulation {
        clock: Clock,
        mock: Arc<Mock>,
        truth: Timestamp,
        clock_error: SignedDuration,
        trusted: TrustedTime,
    }

    impl Simulation {
        fn new(last_activity: SignedDuration) -> Self {
            let (clock, mock) = Clock::mock();
            let truth: Timestamp = "2026-01-31T12:00:00Z".parse().expect("a timestamp");
            let trusted = TrustedTime::new(truth, Some(truth - last_activity), clock.now());
            Self { clock, mock, truth, clock_error: SignedDuration::ZERO, trusted }
        }

        /// Advances time, and returns by how much the trusted time is behind the true time.
        fn after(&mut self, time: Duration) -> SignedDuration {
            self.mock.increment(time);
            self.truth += time;
            self.truth.duration_since(self.trusted.read(self.truth + self.clock_error, self.clock.now()))
        }
    }

    #[test]
    fn an_accurate_clock_is_trusted() {
        let mut simulation = Simulation::new(SignedDuration::ZERO);
        for _ in 0..100 {
            simulation.clock_error += SignedDuration::from_millis(30); // it is corrected all the time
            assert_eq!(simulation.after(MINUTE), -simulation.clock_error);
        }
    }

    #[test]
    fn a_jump_ahead_is_trusted_after_as_much_time_or_a_day() {
        for (jump, minutes) in [(2, 120), (90 * DAYS, 24 * 60)] {
            let mut simulation = Simulation::new(SignedDuration::ZERO);
            simulation.after(MINUTE);
            simulation.clock_error = SignedDuration::from_hours(jump);
            for minute in 0..minutes {
                assert_eq!(simulation.after(MINUTE), SignedDuration::ZERO, "{jump} h, minute {minute}");
            }
            assert_eq!(simulation.after(MINUTE), -simulation.clock_error, "it is the time now");
        }
    }

    #[test]
    fn a_reverted_jump_is_never_trusted() {
        let mut simulation = Simulation::new(SignedDuration::ZERO);
        for _ in 0..50 {
            simulation.clock_error = SignedDuration::from_hours(24 * 90);
            assert_eq!(simulation.after(HOUR), SignedDuration::ZERO);
            simulation.clock_error = SignedDuration::ZERO;
            assert_eq!(simulation.after(MINUTE), SignedDuration::ZERO);
        }
        for days in 1..50 {
            simulation.clock_error = SignedDuration::from_hours(24 * days); // it keeps no course
            assert_eq!(simulation.after(HOUR), SignedDuration::ZERO);
        }
    }

    #[test]
    fn a_clock_set_back_is_trusted_at_once() {
        let mut simulation = Simulation::new(SignedDuration::ZERO);
        simulation.clock_error = SignedDuration::from_hours(-5);
        assert_eq!(simulation.after(MINUTE), SignedDuration::from_hours(5));
    }

    #[test]
    fn a_start_continues_from_the_last_activity() {
        let (downtime, none) = (SignedDuration::from_hours(3), SignedDuration::ZERO);
        let mut simulation = Simulation::new(downtime);
        for _ in 0..179 {
            assert_eq!(simulation.after(MINUTE), downtime);
        }
        assert_eq!(simulation.after(MINUTE), none);

        let mut simulation = Simulation::new(SignedDuration::from_hours(-3)); // the last gateway had a wrong clock
        assert_eq!(simulation.after(MINUTE), none);
        let clock = simulation.clock.now();
        let mut first = TrustedTime::new(simulation.truth, None, clock);
        assert_eq!(first.read(simulation.truth, clock), simulation.truth, "a new store has nothing old");
    }
}
