//! The kinds of traffic that the throughput figures measure.

use super::figure::Goal;
use std::time::Duration;

/// A kind of traffic, with its goal.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) dialect: &'static str,
    pub(super) traffic: Traffic,
    /// The goal for the CPU time.
    pub(super) goal: Goal,
}

#[derive(Clone, Copy)]
pub(super) enum Traffic {
    /// Requests with bodies of this size in bytes, on this number of connections.
    Blocking(usize, usize),
    /// Streams with this number of events, and the time between two events (zero: no pause).
    Streams(usize, Duration),
}

/// The time between two events of a paced stream.
const PACE: Duration = Duration::from_millis(10);
/// No pause between events.
const UNPACED: Duration = Duration::ZERO;
/// The number of client connections.
const CONNECTIONS: usize = 8;
/// A number of connections with which more requests share each commit.
const MANY_CONNECTIONS: usize = 32;
/// The dialect that the others are compared with.
const BASE: &str = "chat";
/// The highest CPU time of a request of the Messages API, as a ratio to the chat API.
const MESSAGES_GOAL: f64 = 1.1;
/// The number of concurrent paced streams: enough to load a core.
const PACED_STREAMS: usize = 50;

impl Case {
    /// All cases, in groups of the same traffic in each dialect.
    pub(super) fn groups() -> Vec<Vec<Self>> {
        let blocking = |(bytes, connections, goal)| (Traffic::Blocking(bytes, connections), goal);
        let stream = |(events, pace, goal)| (Traffic::Streams(events, pace), goal);
        let blocking = [
            (1_000, CONNECTIONS, 3.0),
            (1_000, MANY_CONNECTIONS, 2.5),
            (20_000, CONNECTIONS, 2.5),
            (300_000, CONNECTIONS, 1.75),
        ]
        .map(blocking);
        let streams =
            [(100, UNPACED, 1.25), (1000, UNPACED, 1.25), (100, PACE, 1.4), (1000, PACE, 1.4)].map(stream);
        blocking.into_iter().chain(streams).map(|(traffic, goal)| Self::group(traffic, goal)).collect()
    }

    fn group(traffic: Traffic, goal: f64) -> Vec<Self> {
        // A run takes ten seconds, and the relay code is the same for all dialects.
        let is_long = matches!(traffic, Traffic::Streams(1000, PACE));
        let dialects = if is_long { &[BASE][..] } else { &[BASE, "responses", "messages"] };
        let goal = |dialect: &str| match traffic {
            Traffic::Blocking(..) if dialect == "messages" => Goal::RatioToChat(MESSAGES_GOAL),
            _ => Goal::Ratio(goal),
        };
        dialects.iter().map(|dialect| Self { dialect, traffic, goal: goal(dialect) }).collect()
    }

    fn is_paced(&self) -> bool {
        matches!(self.traffic, Traffic::Streams(_, pace) if !pace.is_zero())
    }

    pub(super) fn name(&self) -> String {
        self.name_in(self.dialect)
    }

    /// The name of the same traffic of the chat API, with which this is compared.
    pub(super) fn base(&self) -> Option<String> {
        (self.dialect != BASE).then(|| self.name_in(BASE))
    }

    fn name_in(&self, dialect: &str) -> String {
        match self.traffic {
            Traffic::Blocking(bytes, CONNECTIONS) => format!("{dialect} {} KB", bytes / 1000),
            Traffic::Blocking(bytes, connections) => {
                format!("{dialect} {} KB, {connections} connections", bytes / 1000)
            }
            Traffic::Streams(events, UNPACED) => format!("{dialect} stream of {events}"),
            Traffic::Streams(events, pace) => {
                format!("{dialect} stream of {events}, every {} ms", pace.as_millis())
            }
        }
    }

    /// The counted unit, and the number of units in one request.
    pub(super) fn unit(&self) -> (&'static str, usize) {
        match self.traffic {
            Traffic::Blocking(..) => ("request", 1),
            Traffic::Streams(events, _) => ("event", events),
        }
    }

    /// Whether nginx with its defaults buffers the request bodies in files.
    pub(super) fn is_large(&self) -> bool {
        matches!(self.traffic, Traffic::Blocking(bytes, _) if bytes > 16 * 1024)
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
            Traffic::Blocking(bytes, connections) => {
                add("size", bytes.to_string());
                add("connections", connections.to_string());
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
