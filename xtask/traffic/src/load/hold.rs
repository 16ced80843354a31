//! Hold mode: many open streams that mostly wait, for memory measurements.

use super::Options;
use super::connection::Connection;
use anyhow::Result;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The maximum number of concurrent connection attempts; more might exceed the accept queue of the target.
const OPENING: usize = 64;

/// Opens all streams, prints their number, and reads them until standard input ends.
pub(super) async fn run(options: &Options, request: Vec<u8>) -> Result<()> {
    let (address, request) = (options.address, Arc::new(request));
    let opening = Arc::new(Semaphore::new(OPENING));
    let (opened, mut all_open) = tokio::sync::mpsc::channel::<()>(options.connections);
    let mut streams = JoinSet::new();
    for _ in 0..options.connections {
        let (request, opening, opened) = (request.clone(), opening.clone(), opened.clone());
        streams.spawn(async move {
            let permit = opening.acquire().await?;
            let mut connection = Connection::open(address).await?;
            let mut body = connection.begin(&request).await?;
            connection.shrink();
            drop(permit);
            opened.send(()).await?;
            drop(opened);
            while !body.is_complete() {
                connection.read_more(&mut body).await?;
            }
            anyhow::Ok(())
        });
    }
    drop(opened);
    let mut open = 0;
    while let Some(()) = all_open.recv().await {
        open += 1;
    }
    println!("{open}");
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}
