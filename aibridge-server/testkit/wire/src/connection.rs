//! One connection of a scripted provider: it reads requests and plays their scripts.

use crate::traffic_log::{ConnectionEnd, TrafficLog};
use crate::wire::{Body, Incoming, Part};
use crate::{Framing, ReceivedRequest, Script, Step};
use bytes::{Bytes, BytesMut};
use std::io;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

/// One accepted connection: reads requests and plays their scripts until either side closes.
pub(crate) struct Connection {
    number: usize,
    incoming: Incoming<OwnedReadHalf>,
    outgoing: Outgoing,
    log: Arc<TrafficLog>,
    served: Vec<usize>,
}

/// The writing side, with the framing that the script has announced.
struct Outgoing {
    stream: OwnedWriteHalf,
    framing: Framing,
    reset: bool,
}

/// The action after a step.
enum After {
    Continue,
    Close,
}

impl Connection {
    pub(crate) fn new(number: usize, stream: TcpStream, log: Arc<TrafficLog>) -> Self {
        stream.set_nodelay(true).expect("a TCP option can be set");
        let (reader, writer) = stream.into_split();
        let outgoing = Outgoing { stream: writer, framing: Framing::CloseDelimited, reset: false };
        Self { number, incoming: Incoming::new(reader), outgoing, log, served: Vec::new() }
    }

    pub(crate) async fn serve(mut self) {
        let end = loop {
            let Some(mut request) = self.read().await else {
                break ConnectionEnd { at: Instant::now(), by_peer: true, mid_response: false };
            };
            let script = self.log.add_request(&mut request);
            self.served.push(request.number);
            tokio::select! {
                biased;
                played = self.outgoing.play(script) => match played {
                    Ok(After::Continue) => {}
                    Ok(After::Close) => break ConnectionEnd { at: Instant::now(), by_peer: false, mid_response: false },
                    Err(_) => break ConnectionEnd { at: Instant::now(), by_peer: true, mid_response: true },
                },
                () = self.incoming.wait_eof() => break ConnectionEnd { at: Instant::now(), by_peer: true, mid_response: true },
            }
        };
        let Self { incoming, outgoing, log, served, .. } = self;
        drop(incoming);
        outgoing.close(); // before the log shows the end
        log.add_end(&served, end);
    }

    /// The next request, or `None` if the peer closes the connection before the request is complete.
    async fn read(&mut self) -> Option<ReceivedRequest> {
        let mut request = ReceivedRequest::parse(self.number, self.incoming.head().await?);
        if request.header("expect").is_some_and(|expected| expected.eq_ignore_ascii_case("100-continue")) {
            self.outgoing.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
        }
        let mut framing = Body::of_request(&request.headers);
        let mut body = BytesMut::new();
        loop {
            match self.incoming.part(&mut framing).await {
                Part::Data(data) => body.extend_from_slice(&data),
                Part::End => break,
                Part::Truncated => return None,
            }
        }
        request.body = body.freeze();
        Some(request)
    }
}

impl Outgoing {
    async fn play(&mut self, script: Script) -> io::Result<After> {
        for step in script.steps {
            if let After::Close = self.take(step).await? {
                return Ok(After::Close);
            }
        }
        Ok(After::Continue)
    }

    async fn take(&mut self, step: Step) -> io::Result<After> {
        match step {
            Step::Head { status, headers, framing } => {
                self.framing = framing;
                self.stream.write_all(&head(status, &headers, framing)).await?;
            }
            Step::Bytes(bytes) => self.stream.write_all(&bytes).await?,
            Step::Chunk(bytes) => self.chunk(&bytes).await?,
            Step::OneByteAtATime(bytes) => {
                for byte in bytes.chunks(1) {
                    self.chunk(byte).await?;
                    tokio::task::yield_now().await;
                }
            }
            Step::Await(gate) => gate.pass().await,
            Step::Pause(duration) => tokio::time::sleep(duration).await,
            Step::Stall => std::future::pending().await,
            Step::Reset => {
                self.stream.as_ref().set_zero_linger()?;
                self.reset = true;
                return Ok(After::Close);
            }
            Step::Close => return Ok(After::Close),
            Step::End => match self.framing {
                Framing::Chunked => self.stream.write_all(b"0\r\n\r\n").await?,
                Framing::ContentLength(_) => {}
                Framing::CloseDelimited => return Ok(After::Close),
            },
        }
        Ok(After::Continue)
    }

    /// Closes the connection; the reading half must be gone. After [`Step::Reset`], dropping the writing half would send
    /// a FIN before the RST, and the peer would take that for a proper end.
    fn close(self) {
        if self.reset {
            self.stream.forget();
        }
    }

    async fn chunk(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.framing != Framing::Chunked {
            return self.stream.write_all(piece).await;
        }
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        self.stream.write_all(&chunk).await
    }
}

fn head(status: u16, headers: &[(String, String)], framing: Framing) -> Bytes {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&match framing {
        Framing::ContentLength(length) => format!("Content-Length: {length}\r\n\r\n"),
        Framing::Chunked => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
        Framing::CloseDelimited => "Connection: close\r\n\r\n".to_owned(),
    });
    head.into()
}
