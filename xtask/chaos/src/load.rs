//! The load of a scene: clients spread over the gateways, and a provider that responds by plan.

use super::client::{Client, Target};
use aibridge_chaos_checker::{Ledger, Plan, response};
use aibridge_testkit::{Script, ScriptedProvider};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The number of clients of the usual load.
pub(super) const CLIENTS: usize = 16;

/// Starts the provider, which records every request in `ledger`.
pub(super) async fn provider(ledger: &Arc<Ledger>) -> ScriptedProvider {
    let ledger = Arc::clone(ledger);
    ScriptedProvider::start_without_log(move |request| match Plan::number_in(&request.body) {
        Some(number) => response::script(&ledger.note_provider_call(number)),
        None => Script::json(400, r#"{"error":{"message":"not a planned request"}}"#),
    })
    .await
}

/// Clients that send requests until they are stopped.
pub(super) struct Load {
    clients: JoinSet<()>,
    stop: CancellationToken,
}

impl Load {
    /// Starts the usual clients, which pause after each response.
    pub(super) fn start(ledger: &Arc<Ledger>, gateways: &[Target], pause: Duration) -> Self {
        let mut load = Self { clients: JoinSet::new(), stop: CancellationToken::new() };
        for gateway in gateways.iter().cycle().take(CLIENTS) {
            load.add(ledger, gateway, None, pause);
        }
        load
    }

    /// Adds a client. `prompt` replaces the size of its prompts.
    pub(super) fn add(
        &mut self,
        ledger: &Arc<Ledger>,
        gateway: &Target,
        prompt: Option<usize>,
        pause: Duration,
    ) {
        let (ledger, target, stop) = (Arc::clone(ledger), gateway.clone(), self.stop.child_token());
        self.clients.spawn(Client { ledger, target, stop, prompt, pause }.run());
    }

    /// Stops all clients, each after the response that it waits for.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        while self.clients.join_next().await.is_some() {}
    }
}
