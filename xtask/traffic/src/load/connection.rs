//! A keep-alive connection of a client.

use super::tally::Exchange;
use crate::wire::{self, Body};
use anyhow::{Result, ensure};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A keep-alive connection to the target.
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

    /// Sends `request`, reads the response and measures both.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Exchange> {
        let started = Instant::now();
        let mut body = self.begin(request).await?;
        let mut first_byte = None;
        while !body.is_complete() {
            first_byte = first_byte.or((body.received() > 0).then(|| started.elapsed()));
            self.read_more(&mut body).await?;
        }
        let total = started.elapsed();
        Ok(Exchange { first_byte: first_byte.unwrap_or(total), total })
    }

    /// Sends `request` and reads the head of the response.
    pub(super) async fn begin(&mut self, request: &[u8]) -> Result<Body> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the target closed the connection");
            filled += read;
            let Some(end) = wire::head_end(&self.buffer[..filled]) else { continue };
            wire::check(&self.buffer[..filled])?;
            let mut body = Body::new(wire::framing(&self.buffer[..end])?);
            body.push(&self.buffer[end..filled]);
            return Ok(body);
        }
    }

    pub(super) async fn read_more(&mut self, body: &mut Body) -> Result<()> {
        let read = self.stream.read(&mut self.buffer).await?;
        ensure!(read > 0, "the response is truncated");
        body.push(&self.buffer[..read]);
        Ok(())
    }

    /// Shrinks the buffer, for connections that mostly wait.
    pub(super) fn shrink(&mut self) {
        self.buffer = vec![0; 4096];
    }
}
