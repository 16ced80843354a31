use super::Options;
use super::connection::Connection;
use anyhow::Result;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// So many are opened at once; more might not fit the queue of the target's listener.
const OPENING: usize = 64;

/// Opens all streams, says so, and reads them on until the input ends.
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
            while !body.is_whole() {
                connection.read_on(&mut body).await?;
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
