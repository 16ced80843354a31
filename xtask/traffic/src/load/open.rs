use super::tally::Exchange;
use super::{Options, Tally};
use crate::wire::{self, Body};
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Before the first request that counts.
const CONNECTING: Duration = Duration::from_millis(200);

/// Requests begin at a fixed rate. Whoever is free takes the next, so one that hangs holds up no other as long as there
/// are connections left; after that the waiting counts. Threads, because their sleep is exact to some 50 us.
pub(super) fn run(options: &Options, request: &[u8]) -> Result<Tally> {
    let next = AtomicU32::new(0);
    let interval = Duration::from_secs_f64(1.0 / options.rate);
    let count = (options.seconds * options.rate).ceil() as u32;
    let begun = Instant::now() + CONNECTING;
    let client = || -> Result<Vec<Exchange>> {
        let (mut stream, mut buffer) = (connect(options.address)?, vec![0; 32 * 1024]);
        // So that the target has its connections, too.
        exchange(&mut stream, &mut buffer, request, begun)?;
        let mut exchanges = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(exchanges);
            }
            let intended = begun + interval * number;
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
    tally.elapsed = begun.elapsed();
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
        ensure!(read > 0, "the answer breaks off");
        match &mut body {
            Some(body) => body.push(&buffer[..read]),
            None => {
                filled += read;
                if let Some(end) = wire::head_end(&buffer[..filled]) {
                    wire::check(&buffer[..filled])?;
                    let begun = body.insert(Body::new(wire::framing(&buffer[..end])?));
                    begun.push(&buffer[end..filled]);
                    filled = 0;
                }
            }
        }
        let Some(body) = &body else { continue };
        if body.seen() > 0 {
            first_byte.get_or_insert_with(|| intended.elapsed());
        }
        if body.is_whole() {
            let whole = intended.elapsed();
            return Ok(Exchange { first_byte: first_byte.unwrap_or(whole), whole });
        }
    }
}
