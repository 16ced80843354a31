//! Open mode: requests begin at a fixed rate, independent of earlier responses.

use super::tally::Exchange;
use super::{Options, Tally};
use crate::wire::{self, Body};
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// The time to open connections before the first measured request.
const CONNECTING: Duration = Duration::from_millis(200);

/// Sends requests at a fixed rate. Each one is taken by the next free connection, so that a slow response delays no other
/// request while connections are free; otherwise the delay counts as latency. Each connection has a thread, because the
/// sleep of a thread is exact to about 50 us.
pub(super) fn run(options: &Options, request: &[u8]) -> Result<Tally> {
    let next = AtomicU32::new(0);
    let interval = Duration::from_secs_f64(1.0 / options.rate);
    let count = (options.seconds * options.rate).ceil() as u32;
    let started = Instant::now() + CONNECTING;
    let client = || -> Result<Vec<Exchange>> {
        let (mut stream, mut buffer) = (connect(options.address)?, vec![0; 32 * 1024]);
        // An unmeasured request, so that the target opens its upstream connections.
        exchange(&mut stream, &mut buffer, request, started)?;
        let mut exchanges = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(exchanges);
            }
            let intended = started + interval * number;
            sleep(intended.saturating_duration_since(Instant::now()));
            exchanges.push(exchange(&mut stream, &mut buffer, request, intended)?);
        }
    };
    let mut tally = Tally::default();
    scope(|threads| -> Result<()> {
        let clients: Vec<_> = (0..options.connections).map(|_| threads.spawn(client)).collect();
        for client in clients {
            let exchanges = client.join().map_err(|_| anyhow::anyhow!("a client panicked"))?;
            tally.exchanges.extend(exchanges?);
        }
        Ok(())
    })?;
    tally.elapsed = started.elapsed();
    Ok(tally)
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn exchange(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    request: &[u8],
    intended: Instant,
) -> Result<Exchange> {
    stream.write_all(request)?;
    let (mut filled, mut body, mut first_byte) = (0, None::<Body>, None);
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        ensure!(read > 0, "the response is truncated");
        match &mut body {
            Some(body) => body.push(&buffer[..read]),
            None => {
                filled += read;
                if let Some(end) = wire::head_end(&buffer[..filled]) {
                    wire::check(&buffer[..filled])?;
                    let started = body.insert(Body::new(wire::framing(&buffer[..end])?));
                    started.push(&buffer[end..filled]);
                    filled = 0;
                }
            }
        }
        let Some(body) = &body else { continue };
        if body.received() > 0 {
            first_byte.get_or_insert_with(|| intended.elapsed());
        }
        if body.is_complete() {
            let total = intended.elapsed();
            return Ok(Exchange { first_byte: first_byte.unwrap_or(total), total });
        }
    }
}
