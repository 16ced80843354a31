//! Detects that the client closed its TCP connection, whatever bytes follow its request.
//!
//! While a response is in progress, hyper looks for the end of the connection only if its read buffer is empty. A stray
//! CRLF, a pipelined request or a body that is not read at the moment hides the end. So this connection reads ahead when
//! hyper does not read: hyper flushes on each poll, and a flush fails after the client has closed the connection.
//!
//! As in hyper, a client that shuts down its sending side while a response is in progress counts as disconnected.

use crate::activity::Activity;
use bytes::{BufMut, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The most that is read ahead, in bytes. An end after more than this, and after what the kernel buffers, is detected
/// only when hyper reads on.
const READ_AHEAD: usize = 1 << 20;

/// The size of one read, in bytes.
const READ: usize = 16 << 10;

/// A TCP connection, and the bytes that were read before hyper polled for them.
pub(crate) struct ReadAhead {
    stream: TcpStream,
    ahead: BytesMut,
    /// hyper polled for bytes and waits for them, so it detects the end itself.
    reader_waits: bool,
    /// hyper has read the end of the connection.
    ended: bool,
    activity: Arc<Activity>,
}

impl ReadAhead {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, ahead: BytesMut::new(), reader_waits: false, ended: false, activity: Arc::default() }
    }

    /// The same as [`TcpStream::peek`]. Does not return bytes that were read ahead.
    pub(crate) async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.peek(buffer).await
    }

    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Makes the connection end with a reset (RST) when it is dropped.
    pub(crate) fn reset_on_drop(&self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// Fails if the client has disconnected. Wakes the task when that may have changed.
    fn look_for_end(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if std::mem::take(&mut self.reader_waits) || self.ended {
            return Ok(());
        }
        loop {
            let room = READ_AHEAD.saturating_sub(self.ahead.len());
            if room == 0 {
                return Ok(());
            }
            match self.stream.poll_read_ready(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready?,
            }
            self.ahead.reserve(READ);
            match self.stream.try_read_buf(&mut (&mut self.ahead).limit(room)) {
                Ok(0) => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client disconnected"));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    fn unless_disconnected<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match written {
            Poll::Pending => match self.look_for_end(context) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
            written => written,
        }
    }
}

impl AsyncRead for ReadAhead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.ahead.is_empty() {
            let read = Pin::new(&mut self.stream).poll_read(context, buffer);
            self.reader_waits = read.is_pending();
            self.ended |= read.is_ready() && buffer.filled().len() == before && buffer.remaining() > 0;
            if read.is_pending() || self.ended {
                return read;
            }
        } else {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead.split_to(length));
            if self.ahead.is_empty() {
                self.ahead = BytesMut::new(); // releases the memory
            }
        }
        self.activity.received(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ReadAhead {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_disconnected(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.unless_disconnected(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look_for_end(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A client's connection, with or without TLS.
pub(crate) trait ClientConnection {
    /// Returns the TCP connection below TLS, if any.
    fn tcp(&self) -> &ReadAhead;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (ReadAhead, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (ReadAhead::new(listener.accept().await.unwrap().0), client)
    }

    /// Flushes on each poll, as hyper does while it reads nothing, until `done` or the client has disconnected.
    async fn flush_until(near: &mut ReadAhead, done: impl Fn(&ReadAhead) -> bool) -> io::Result<()> {
        poll_fn(|context| match Pin::new(&mut *near).poll_flush(context) {
            Poll::Ready(Ok(())) if !done(near) => Poll::Pending,
            flushed => flushed,
        })
        .await
    }

    #[tokio::test]
    async fn bytes_read_ahead_are_bounded_and_stay_in_order() {
        let sent: Vec<u8> = (0..3 * READ_AHEAD).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let (mut near, mut far) = pair().await;
        let expected = sent.clone();
        let sending = tokio::spawn(async move { far.write_all(&sent).await });
        flush_until(&mut near, |near| near.ahead.len() >= READ_AHEAD).await.unwrap();
        for _ in 0..10 {
            flush_until(&mut near, |_| true).await.unwrap();
            assert_eq!(near.ahead.len(), READ_AHEAD);
        }
        let mut received = Vec::new();
        near.read_to_end(&mut received).await.unwrap();
        assert!(received == expected);
        sending.await.unwrap().unwrap();
        assert_eq!(near.ahead.capacity(), 0, "the memory is released");
    }

    #[tokio::test]
    async fn a_flush_fails_after_the_client_disconnected_unless_the_reader_read_the_end() {
        let (mut near, mut far) = pair().await;
        far.write_all(b"more").await.unwrap();
        drop(far);
        let error = flush_until(&mut near, |_| false).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);

        let (mut near, far) = pair().await;
        drop(far);
        assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0);
        flush_until(&mut near, |_| true).await.unwrap();
    }
}
