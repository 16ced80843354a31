use crate::provider::{Closed, Shared};
use crate::wire::{Body, Incoming, Part};
use crate::{Framing, Received, Script, Step};
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
    shared: Arc<Shared>,
    served: Vec<usize>,
}

/// The writing side, which knows the framing that the script has announced.
struct Outgoing {
    stream: OwnedWriteHalf,
    framing: Framing,
    reset: bool,
}

/// What a step leaves behind.
enum After {
    GoOn,
    Close,
}

impl Connection {
    pub(crate) fn new(number: usize, stream: TcpStream, shared: Arc<Shared>) -> Self {
        stream.set_nodelay(true).expect("a TCP option can be set");
        let (reader, writer) = stream.into_split();
        let outgoing = Outgoing { stream: writer, framing: Framing::CloseDelimited, reset: false };
        Self { number, incoming: Incoming::new(reader), outgoing, shared, served: Vec::new() }
    }

    pub(crate) async fn serve(mut self) {
        let end = loop {
            let Some(mut request) = self.read().await else {
                break Closed { at: Instant::now(), by_peer: true, mid_answer: false };
            };
            let script = self.shared.arrived(&mut request);
            self.served.push(request.number);
            tokio::select! {
                biased;
                played = self.outgoing.play(script) => match played {
                    Ok(After::GoOn) => {}
                    Ok(After::Close) => break Closed { at: Instant::now(), by_peer: false, mid_answer: false },
                    Err(_) => break Closed { at: Instant::now(), by_peer: true, mid_answer: true },
                },
                () = self.incoming.gone() => break Closed { at: Instant::now(), by_peer: true, mid_answer: true },
            }
        };
        let Self { incoming, outgoing, shared, served, .. } = self;
        drop(incoming);
        outgoing.close(); // before the connection is said to be closed
        shared.closed(&served, end);
    }

    /// The next request, or nothing if the other side closes before it is whole.
    async fn read(&mut self) -> Option<Received> {
        let mut request = Received::parse(self.number, self.incoming.head().await?);
        if request.header("expect").is_some_and(|expected| expected.eq_ignore_ascii_case("100-continue")) {
            self.outgoing.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
        }
        let mut framing = Body::of_request(&request.headers);
        let mut body = BytesMut::new();
        loop {
            match self.incoming.part(&mut framing).await {
                Part::Data(data) => body.extend_from_slice(&data),
                Part::End => break,
                Part::Cut => return None,
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
        Ok(After::GoOn)
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
        Ok(After::GoOn)
    }

    /// Closes the connection, of which nothing else is left. Dropping the half would say FIN first, and a FIN before
    /// the RST is a proper end.
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
