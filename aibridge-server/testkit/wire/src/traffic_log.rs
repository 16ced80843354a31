//! The requests that a scripted provider has received, and how their connections ended.

use crate::{ReceivedRequest, Script};
use tokio::sync::watch;
use tokio::time::Instant;

/// The end of the connection of a request.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionEnd {
    /// The time at which the provider noticed the end.
    pub at: Instant,
    /// Whether the peer closed the connection, rather than the script.
    pub by_peer: bool,
    /// Whether the script had steps left.
    pub mid_response: bool,
}

/// State that all connections of one provider share: its script, and a log of its traffic.
pub(crate) struct TrafficLog {
    script: Box<dyn Fn(&ReceivedRequest) -> Script + Send + Sync>,
    entries: watch::Sender<Entries>,
    keeps_requests: bool,
}

#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) connections: usize,
    pub(crate) received: Vec<ReceivedRequest>,
    pub(crate) ends: Vec<Option<ConnectionEnd>>,
}

impl TrafficLog {
    pub(crate) fn new(script: impl Fn(&ReceivedRequest) -> Script + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            entries: watch::Sender::new(Entries::default()),
            keeps_requests: true,
        }
    }

    /// A log that counts connections only, so that an endless load needs no memory.
    pub(crate) fn of_connections(
        script: impl Fn(&ReceivedRequest) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self { keeps_requests: false, ..Self::new(script) }
    }

    /// Counts an accepted connection and returns its number, from 0.
    pub(crate) fn add_connection(&self) -> usize {
        let number = self.entries.borrow().connections;
        self.entries.send_modify(|entries| entries.connections += 1);
        number
    }

    /// Numbers and logs `request`, if requests are kept, and returns its script.
    pub(crate) fn add_request(&self, request: &mut ReceivedRequest) -> Script {
        if !self.keeps_requests {
            return (self.script)(request);
        }
        self.entries.send_modify(|entries| {
            request.number = entries.received.len();
            entries.received.push(request.clone());
            entries.ends.push(None);
        });
        (self.script)(request)
    }

    /// Logs how the connection of the requests `numbers` ended.
    pub(crate) fn add_end(&self, numbers: &[usize], end: ConnectionEnd) {
        if self.keeps_requests {
            self.entries
                .send_modify(|entries| numbers.iter().for_each(|number| entries.ends[*number] = Some(end)));
        }
    }

    pub(crate) fn entries(&self) -> watch::Ref<'_, Entries> {
        self.entries.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Entries> {
        self.entries.subscribe()
    }
}
