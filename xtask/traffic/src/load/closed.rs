use super::connection::Connection;
use super::{Options, Tally};
use anyhow::Result;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Every connection sends its next request as soon as it has the answer to the one before.
pub(super) async fn run(options: &Options, request: Vec<u8>) -> Result<Tally> {
    let (address, request) = (options.address, Arc::new(request));
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(options.seconds);
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
    tally.elapsed = begun.elapsed();
    Ok(tally)
}
