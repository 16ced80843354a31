use super::tally::Exchange;
use crate::wire::{self, Body};
use anyhow::{Result, ensure};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A client's keep-alive connection.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 32 * 1024] })
    }

    /// Sends `request` and reads the answer.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Exchange> {
        let begun = Instant::now();
        let mut body = self.begin(request).await?;
        let mut first_byte = None;
        while !body.is_whole() {
            first_byte = first_byte.or((body.seen() > 0).then(|| begun.elapsed()));
            self.read_on(&mut body).await?;
        }
        let whole = begun.elapsed();
        Ok(Exchange { first_byte: first_byte.unwrap_or(whole), whole })
    }

    /// Sends `request` and reads the answer up to its head.
    pub(super) async fn begin(&mut self, request: &[u8]) -> Result<Body> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the target hung up");
            filled += read;
            let Some(end) = wire::head_end(&self.buffer[..filled]) else { continue };
            wire::check(&self.buffer[..filled])?;
            let mut body = Body::new(wire::framing(&self.buffer[..end])?);
            body.push(&self.buffer[end..filled]);
            return Ok(body);
        }
    }

    pub(super) async fn read_on(&mut self, body: &mut Body) -> Result<()> {
        let read = self.stream.read(&mut self.buffer).await?;
        ensure!(read > 0, "the answer breaks off");
        body.push(&self.buffer[..read]);
        Ok(())
    }

    /// A connection that only waits needs no large buffer.
    pub(super) fn shrink(&mut self) {
        self.buffer = vec![0; 4096];
    }
}
