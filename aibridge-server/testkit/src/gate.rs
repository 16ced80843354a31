use crate::within;
use std::sync::Arc;
use tokio::sync::watch;

/// Holds a script at a step until the test lets it go on. Clones are the same gate.
///
/// ```
/// use aibridge_testkit::{Gate, Script, Step};
///
/// let gate = Gate::new();
/// let script = Script::sse("data: 1\n\n").then(Step::Await(gate.clone()));
/// // the test looks around, then:
/// gate.open();
/// ```
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    reached: Arc<watch::Sender<usize>>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self { open: Arc::new(watch::Sender::new(false)), reached: Arc::new(watch::Sender::new(0)) }
    }

    /// Lets everyone through, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until `times` scripts have come to this gate.
    pub async fn reached(&self, times: usize) {
        let mut arrivals = self.reached.subscribe();
        let arrived = arrivals.wait_for(|arrived| *arrived >= times);
        within(arrived, "a script to reach its gate").await.expect("the gate holds its own sender");
    }

    /// How many scripts have come to this gate so far.
    pub fn arrivals(&self) -> usize {
        *self.reached.borrow()
    }

    /// Waits until the gate is open, however long that takes.
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
    async fn holds_until_opened() {
        let gate = Gate::new();
        let held = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass().await }
        });
        gate.reached(1).await;
        assert!(!held.is_finished());
        gate.open();
        held.await.expect("the task passes");
        gate.pass().await;
        assert_eq!(gate.arrivals(), 2);
    }
}
