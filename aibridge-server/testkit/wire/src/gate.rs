//! A gate that holds scripts until a test opens it.

use crate::within;
use std::sync::Arc;
use tokio::sync::watch;

/// Holds a script at a step until the test opens the gate. Clones share one gate.
///
/// ```
/// use aibridge_testkit_wire::{Gate, Script, Step};
///
/// let gate = Gate::new();
/// let script = Script::sse("data: 1\n\n").then(Step::Await(gate.clone()));
/// // The test checks the state before the step, then:
/// gate.open();
/// ```
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    reached: Arc<watch::Sender<usize>>,
}

impl Gate {
    /// Creates a closed gate.
    pub fn new() -> Self {
        Self { open: Arc::new(watch::Sender::new(false)), reached: Arc::new(watch::Sender::new(0)) }
    }

    /// Opens the gate for all scripts, waiting and future.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until scripts have arrived at this gate `times` times.
    pub async fn wait_reached(&self, times: usize) {
        let mut arrivals = self.reached.subscribe();
        let arrived = arrivals.wait_for(|arrived| *arrived >= times);
        within(arrived, "a script to reach its gate").await.expect("the gate holds its own sender");
    }

    /// The number of arrivals at this gate so far.
    pub fn arrivals(&self) -> usize {
        *self.reached.borrow()
    }

    /// Waits until the gate is open, without a timeout.
    pub(crate) async fn pass(&self) {
        self.reached.send_modify(|arrived| *arrived += 1);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.expect("the gate holds its own sender");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_script_waits_until_the_gate_opens() {
        let gate = Gate::new();
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass().await }
        });
        gate.wait_reached(1).await;
        assert!(!waiting.is_finished());
        gate.open();
        waiting.await.expect("the task passes");
        gate.pass().await;
        assert_eq!(gate.arrivals(), 2);
    }
}
