use crate::wire::{self, Body};
use aibridge_traffic::{Answers, Dialect};
use anyhow::{Result, ensure};
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::{Instant, sleep_until};

/// Serves until it is killed. What to answer stands in the query: `events` for a stream, `pace_us` between them.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let answers = Rc::new([Answers::to(Dialect::Chat), Answers::to(Dialect::Responses)]);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answers = answers.clone();
            spawn_local(async move {
                // A connection that breaks is the other end's business: it counts what it got.
                let _ = serve(stream, &answers).await;
            });
        }
    })
}

async fn serve(mut stream: TcpStream, answers: &[Answers; 2]) -> Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Some(head) = request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let target = std::str::from_utf8(target)?;
        let answers = &answers[usize::from(target.contains(Dialect::Responses.route()))];
        match number(target, "events=") {
            None => stream.write_all(answers.blocking()).await?,
            Some(events) => {
                let pace = Duration::from_micros(number(target, "pace_us=").unwrap_or(0) as u64);
                stream_events(&mut stream, answers, events, pace).await?;
            }
        }
    }
}

/// Reads a request to its end and gives its head.
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
    if body.is_whole() {
        return Ok(Some(head));
    }
    let mut large = vec![0; 64 * 1024];
    while !body.is_whole() {
        let read = stream.read(&mut large).await?;
        ensure!(read > 0, "the body breaks off");
        body.push(&large[..read]);
    }
    Ok(Some(head))
}

async fn stream_events(
    stream: &mut TcpStream,
    answers: &Answers,
    events: usize,
    pace: Duration,
) -> Result<()> {
    stream.write_all(answers.head()).await?;
    let mut next = Instant::now();
    for at in 0..events {
        stream.write_all(answers.event(at, events)).await?;
        if pace.is_zero() {
            // Streams take turns. At one go, whoever reads would find many events at once.
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
