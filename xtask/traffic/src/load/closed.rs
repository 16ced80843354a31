//! Closed mode: every connection waits for a response before its next request.

use super::connection::Connection;
use super::{Options, Tally};
use anyhow::Result;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Sends requests on all connections until the time is over.
pub(super) async fn run(options: &Options, request: Vec<u8>) -> Result<Tally> {
    let (address, request) = (options.address, Arc::new(request));
    let started = Instant::now();
    let until = started + Duration::from_secs_f64(options.seconds);
    let mut clients = JoinSet::new();
    for _ in 0..options.connections {
        let request = request.clone();
        clients.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut exchanges = vec![connection.exchange(&request).await?];
            while Instant::now() < until {
                exchanges.push(connection.exchange(&request).await?);
            }
            anyhow::Ok(exchanges)
        });
    }
    let mut tally = Tally::default();
    while let Some(exchanges) = clients.join_next().await {
        tally.exchanges.extend(exchanges??);
    }
    tally.elapsed = started.elapsed();
    Ok(tally)
}
