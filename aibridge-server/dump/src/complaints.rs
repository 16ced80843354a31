use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// A full disk is told so often, not for each file.
const EVERY: Duration = Duration::from_secs(60);

/// Warns that dumps fail, but rarely.
#[derive(Debug)]
pub(crate) struct WarnThrottle {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    unsaid: u64,
}

impl WarnThrottle {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The dump at `path` is cut short, or is not there at all, `because` of something.
    pub(crate) fn cut_short(&self, path: &Path, because: &dyn Display) {
        if let Some(more) = self.may_speak() {
            tracing::warn!(
                path = %path.display(), error = %because, more,
                "a dump is cut short or missing; requests are not affected"
            );
        }
    }

    /// How many complaints were left out, if it is time for one.
    fn may_speak(&self) -> Option<u64> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        if state.last.is_some_and(|last| now.duration_since(last) < EVERY) {
            state.unsaid += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_once_in_a_while_and_counts_the_rest() {
        let (clock, mock) = Clock::mock();
        let complaints = WarnThrottle::new(clock);
        assert_eq!(complaints.may_speak(), Some(0));
        assert_eq!((complaints.may_speak(), complaints.may_speak()), (None, None));
        mock.increment(EVERY);
        assert_eq!((complaints.may_speak(), complaints.may_speak()), (Some(2), None));
    }
}
