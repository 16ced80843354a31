//! The ledger: the requests and responses of clients and provider, with which the records are compared.

use crate::plan::Plan;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The outcome of a request for its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The client received the whole response. Contains the interception's id from the response head.
    Whole(String),
    /// The gateway refused it. Contains the status and `X-AIBridge-Error`.
    Refused(u16, String),
    /// The gateway held the whole response until its time limit, and then responded 503, because it could not record the
    /// end. The message of the 503 states that the request was sent.
    EndCut,
    /// The response differs from what the provider sent.
    Altered,
    /// The response, or the connection, ended early.
    Broken,
}

/// A request that was sent.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// The number of times that the provider received it.
    pub provider_calls: u32,
    /// `None` while the client waits.
    pub outcome: Option<Outcome>,
    /// The bytes of its prompt, if they differ from the plan's.
    pub prompt: Option<usize>,
}

/// The evidence of one scene.
#[derive(Default)]
pub struct Ledger {
    seed: u64,
    next: AtomicU64,
    entries: Mutex<BTreeMap<u64, Entry>>,
    latencies: Mutex<Vec<Duration>>,
    whole: AtomicUsize,
    refused: AtomicUsize,
}

impl Ledger {
    /// An empty ledger of the requests of a run with `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Adds the next request to the ledger, and returns its plan. `prompt` replaces the size of its prompt, in bytes.
    pub fn begin(&self, prompt: Option<usize>) -> Plan {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.entries.lock().insert(number, Entry { prompt, ..Entry::default() });
        self.plan(number, prompt)
    }

    fn plan(&self, number: u64, prompt: Option<usize>) -> Plan {
        let plan = Plan::new(self.seed, number);
        match prompt {
            Some(bytes) => plan.with_prompt(bytes),
            None => plan,
        }
    }

    /// Records that the provider received request `number`, and returns its plan for the response.
    pub fn note_provider_call(&self, number: u64) -> Plan {
        if let Some(entry) = self.entries.lock().get_mut(&number) {
            entry.provider_calls += 1;
        }
        self.plan(number, None)
    }

    /// Records the outcome of `plan`, and the duration of a whole response.
    pub fn note_outcome(&self, plan: &Plan, outcome: Outcome, took: Duration) {
        match outcome {
            Outcome::Whole(_) => {
                self.whole.fetch_add(1, Ordering::Relaxed);
                if plan.has_no_pauses() && !plan.has_large_prompt() {
                    self.latencies.lock().push(took);
                }
            }
            Outcome::Refused(..) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::EndCut | Outcome::Altered | Outcome::Broken => {}
        }
        if let Some(entry) = self.entries.lock().get_mut(&plan.number) {
            entry.outcome = Some(outcome);
        }
    }

    /// Records that the journal has the records of request `number`, as after a whole response.
    pub fn note_recorded(&self, number: u64, id: Uuid) {
        if let Some(entry) = self.entries.lock().get_mut(&number) {
            entry.provider_calls = 1;
            entry.outcome = Some(Outcome::Whole(id.to_string()));
        }
    }

    /// The number of whole responses so far.
    pub fn whole(&self) -> usize {
        self.whole.load(Ordering::Relaxed)
    }

    /// The number of refused requests so far.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// All requests with their plans.
    pub fn requests(&self) -> Vec<(Plan, Entry)> {
        let entries = self.entries.lock().clone();
        entries.into_iter().map(|(number, entry)| (self.plan(number, entry.prompt), entry)).collect()
    }

    /// Takes the latencies of whole responses without pauses since the last call, sorted.
    pub fn take_latencies(&self) -> Vec<Duration> {
        let mut latencies = std::mem::take(&mut *self.latencies.lock());
        latencies.sort_unstable();
        latencies
    }
}
