//! The kinds of traffic that the throughput figures measure.

use super::figure::Goal;
use std::time::Duration;

/// A kind of traffic, with its goal.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) dialect: &'static str,
    pub(super) traffic: Traffic,
    /// The goal for the CPU time, as a ratio to nginx.
    pub(super) goal: Goal,
}

#[derive(Clone, Copy)]
pub(super) enum Traffic {
    /// Requests with bodies of this size, in bytes.
    Blocking(usize),
    /// Streams with this number of events, and the time between two events (zero: no pause).
    Streams(usize, Duration),
}

/// The time between two events of a paced stream.
const PACE: Duration = Duration::from_millis(10);
/// No pause between events.
const UNPACED: Duration = Duration::ZERO;
/// The number of client connections.
const CONNECTIONS: usize = 8;
/// The number of concurrent paced streams: enough to load a core.
const PACED_STREAMS: usize = 50;

impl Case {
    pub(super) fn all() -> Vec<Self> {
        let case = |dialect, traffic, goal| Self { dialect, traffic, goal: Goal::Ratio(goal) };
        let blocking = [(1_000, 2.5), (20_000, 2.5), (300_000, 1.5)];
        let streams = [(100, UNPACED), (1000, UNPACED), (100, PACE), (1000, PACE)];
        ["chat", "responses"]
            .into_iter()
            .flat_map(|dialect| {
                let blocking = blocking.map(|(bytes, goal)| case(dialect, Traffic::Blocking(bytes), goal));
                blocking
                    .into_iter()
                    .chain(streams.map(|(events, pace)| case(dialect, Traffic::Streams(events, pace), 1.25)))
            })
            // A run takes ten seconds, and the relay code is the same for both dialects.
            .filter(|case| {
                !(case.dialect == "responses" && matches!(case.traffic, Traffic::Streams(1000, PACE)))
            })
            .collect()
    }

    fn is_paced(&self) -> bool {
        matches!(self.traffic, Traffic::Streams(_, pace) if !pace.is_zero())
    }

    pub(super) fn name(&self) -> String {
        let dialect = self.dialect;
        match self.traffic {
            Traffic::Blocking(bytes) => format!("{dialect} {} KB", bytes / 1000),
            Traffic::Streams(events, UNPACED) => format!("{dialect} stream of {events}"),
            Traffic::Streams(events, pace) => {
                format!("{dialect} stream of {events}, every {} ms", pace.as_millis())
            }
        }
    }

    /// The counted unit, and the number of units in one request.
    pub(super) fn unit(&self) -> (&'static str, usize) {
        match self.traffic {
            Traffic::Blocking(_) => ("request", 1),
            Traffic::Streams(events, _) => ("event", events),
        }
    }

    /// Whether nginx with its defaults buffers the request bodies in files.
    pub(super) fn is_large(&self) -> bool {
        matches!(self.traffic, Traffic::Blocking(bytes) if bytes > 16 * 1024)
    }

    /// Whether the traffic has no pauses, so that the target limits the rate.
    pub(super) fn is_unpaced(&self) -> bool {
        !self.is_paced()
    }

    /// The arguments of the load generator. A smoke run has short streams.
    pub(super) fn arguments(&self, window: Duration, smoke: bool) -> Vec<String> {
        let mut arguments = vec![format!("--dialect={}", self.dialect)];
        let mut add = |name: &str, value: String| arguments.push(format!("--{name}={value}"));
        match self.traffic {
            Traffic::Blocking(bytes) => {
                add("size", bytes.to_string());
                add("connections", CONNECTIONS.to_string());
            }
            Traffic::Streams(events, pace) => {
                add("events", events.to_string());
                let pace = if smoke { pace / 100 } else { pace };
                add("pace-us", pace.as_micros().to_string());
                add("connections", if pace.is_zero() { CONNECTIONS } else { PACED_STREAMS }.to_string());
            }
        }
        add("seconds", window.as_secs_f64().to_string());
        arguments
    }
}
