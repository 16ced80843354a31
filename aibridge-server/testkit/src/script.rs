use crate::Gate;
use bytes::Bytes;
use std::time::Duration;

/// How a provider answers one request: steps, taken in order.
///
/// A script that runs out of steps leaves its connection open for the next request; only [`Step::End`] ends the
/// body, so a body can be left unfinished. Every step stops at once when the other side closes the connection.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// One thing a provider does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends a status line and headers, and the header that announces `framing`.
    Head {
        /// The status code.
        status: u16,
        /// Sent in this order and spelling.
        headers: Vec<(String, String)>,
        /// How the body's end is announced.
        framing: Framing,
    },
    /// Sends these bytes as they are, whatever the framing: half a head, a lie, garbage.
    Bytes(Bytes),
    /// Sends a piece of the body: as one chunk if the framing is [`Framing::Chunked`], else as it is.
    Chunk(Bytes),
    /// Sends a piece of the body like [`Step::Chunk`], but every byte in a packet (and chunk) of its own.
    OneByteAtATime(Bytes),
    /// Waits until the test opens the gate.
    Await(Gate),
    /// Waits for the sake of a person who watches. A test awaits a gate instead.
    Pause(Duration),
    /// Does nothing any more until the other side closes the connection.
    Stall,
    /// Resets the connection (RST), losing what has not been read.
    Reset,
    /// Closes the connection (FIN).
    Close,
    /// Ends the body as its framing asks: the last chunk, or closing the connection, or nothing.
    End,
}

/// How the end of a body is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`, truly or not.
    ContentLength(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Nothing: the connection's end is the body's end, and `Connection: close` says so.
    CloseDelimited,
}

impl Script {
    /// Nothing at all: to be filled with [`Script::then`].
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole JSON answer with its length.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::head(status, Framing::ContentLength(body.len() as u64))
            .header("Content-Type", "application/json")
            .then(Step::Bytes(body))
            .then(Step::End)
    }

    /// A whole, chunked event stream, each event in a chunk of its own.
    pub fn sse(body: impl Into<Bytes>) -> Self {
        Self::sse_head().events(body).then(Step::End)
    }

    /// The head of an event stream, to be followed by pieces of your own.
    pub fn sse_head() -> Self {
        Self::head(200, Framing::Chunked).header("Content-Type", "text/event-stream; charset=utf-8")
    }

    /// A head without a body yet.
    pub fn head(status: u16, framing: Framing) -> Self {
        Self::new().then(Step::Head { status, headers: Vec::new(), framing })
    }

    /// An answer as recordings hold it: an event stream, a JSON body, or a head (`HTTP/…`) followed by a body.
    pub fn recorded(section: &str) -> Self {
        if section.starts_with("data:") || section.starts_with("event:") || section.starts_with(':') {
            Self::sse(section.to_owned())
        } else if section.starts_with("HTTP/") {
            Self::recorded_with_head(section)
        } else {
            Self::json(200, section.to_owned())
        }
    }

    fn recorded_with_head(section: &str) -> Self {
        let (head, body) = section.split_once("\n\n").expect("a recorded head ends with an empty line");
        let mut lines = head.lines();
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let mut script =
            Self::head(status.expect("a status line"), Framing::ContentLength(body.len() as u64));
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            if !name.eq_ignore_ascii_case("content-length") {
                script = script.header(name, value);
            }
        }
        script.then(Step::Bytes(Bytes::copy_from_slice(body.as_bytes()))).then(Step::End)
    }

    /// Adds a header to the script's head.
    ///
    /// # Panics
    ///
    /// If the script does not begin with a head.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Some(Step::Head { headers, .. }) = self.steps.first_mut() else {
            panic!("a header needs a head: the script begins with {:?}", self.steps.first());
        };
        headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a piece of the body.
    #[must_use]
    pub fn chunk(self, piece: impl Into<Bytes>) -> Self {
        self.then(Step::Chunk(piece.into()))
    }

    /// Adds an event stream, each event in a chunk of its own.
    #[must_use]
    pub fn events(mut self, stream: impl Into<Bytes>) -> Self {
        let mut rest = stream.into();
        while let Some(end) = rest.windows(2).position(|pair| pair == b"\n\n") {
            self = self.chunk(rest.split_to(end + 2));
        }
        if rest.is_empty() { self } else { self.chunk(rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_with_a_head_keep_status_and_headers() {
        let script = Script::recorded("HTTP/2.0 401 Unauthorized\nContent-Length: 9\nX-Id: 7\n\n{\"a\":1}\n");
        let Some(Step::Head { status, headers, framing }) = script.steps.first() else { panic!("no head") };
        assert_eq!(*status, 401);
        assert_eq!(headers, &[("X-Id".to_owned(), "7".to_owned())]);
        assert_eq!(*framing, Framing::ContentLength(8));
    }

    #[test]
    fn events_are_chunks_and_nothing_is_lost() {
        let script = Script::new().events("data: 1\n\ndata: 2\n\ntail");
        let chunks = script.steps.iter().map(|step| match step {
            Step::Chunk(bytes) => bytes.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(chunks.collect::<Vec<_>>(), ["data: 1\n\n", "data: 2\n\n", "tail"]);
    }
}
