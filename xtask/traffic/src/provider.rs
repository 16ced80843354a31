//! `aibridge-traffic provider`: an HTTP server with prepared responses.

use crate::wire::{self, Body};
use aibridge_traffic::{Dialect, Responses};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::{Instant, sleep_until};

/// The responses to requests for one path.
struct Prepared {
    path: String,
    responses: Responses,
}

impl Prepared {
    fn new(dialect: Dialect) -> Self {
        let path = [dialect.prefix(false), dialect.route()].concat();
        Self { path, responses: Responses::new(dialect) }
    }
}

/// Serves until the process is killed. The query selects the response: `events` is the number of events of a stream, and
/// `pace_us` the time between them in microseconds.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let responses: Rc<[Prepared]> =
            Dialect::value_variants().iter().map(|dialect| Prepared::new(*dialect)).collect();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let responses = responses.clone();
            spawn_local(async move {
                // A broken connection is an error of the client, which counts its responses.
                let _ = serve(stream, &responses).await;
            });
        }
    })
}

async fn serve(mut stream: TcpStream, prepared: &[Prepared]) -> Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Some(head) = request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let target = std::str::from_utf8(target)?;
        let prepared = prepared.iter().find(|prepared| target.starts_with(&prepared.path));
        let responses = &prepared.with_context(|| format!("no response to {target}"))?.responses;
        match number(target, "events=") {
            None => stream.write_all(responses.blocking()).await?,
            Some(events) => {
                let pace = Duration::from_micros(number(target, "pace_us=").unwrap_or(0) as u64);
                stream_events(&mut stream, responses, events, pace).await?;
            }
        }
    }
}

/// Reads a complete request and returns its head, or `None` at the end of the connection.
async fn request(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<Option<Vec<u8>>> {
    let mut filled = 0;
    let end = loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(None);
        }
        filled += read;
        if let Some(end) = wire::head_end(&buffer[..filled]) {
            break end;
        }
        ensure!(filled < buffer.len(), "a head of {filled} bytes");
    };
    let head = buffer[..end].to_vec();
    let mut body = Body::new(wire::framing(&head)?);
    body.push(&buffer[end..filled]);
    if body.is_complete() {
        return Ok(Some(head));
    }
    let mut large = vec![0; 64 * 1024];
    while !body.is_complete() {
        let read = stream.read(&mut large).await?;
        ensure!(read > 0, "the body is truncated");
        body.push(&large[..read]);
    }
    Ok(Some(head))
}

async fn stream_events(
    stream: &mut TcpStream,
    responses: &Responses,
    events: usize,
    pace: Duration,
) -> Result<()> {
    stream.write_all(responses.head()).await?;
    let mut next = Instant::now();
    for at in 0..events {
        stream.write_all(responses.event(at, events)).await?;
        if pace.is_zero() {
            // Yield, so that streams alternate; otherwise a client would read many events at once.
            yield_now().await;
        } else {
            next += pace;
            sleep_until(next).await;
        }
    }
    Ok(())
}

fn number(target: &str, name: &str) -> Option<usize> {
    target.split_once(name)?.1.split('&').next()?.parse().ok()
}
