//! The steps by which a scripted provider responds to one request.

use crate::Gate;
use bytes::Bytes;
use std::time::Duration;

/// The response to one request, as steps that are played in order.
///
/// After the last step the connection stays open for the next request. Only [`Step::End`] ends the body, so that a
/// script can leave a body unfinished. Every step stops when the peer closes the connection.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The steps, in the order in which they are played.
    pub steps: Vec<Step>,
}

/// One action of a provider.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends a status line and headers, and the header that announces `framing`.
    Head {
        /// The status code of the response.
        status: u16,
        /// Names and values, sent in this order and spelling.
        headers: Vec<(String, String)>,
        /// The announcement of the end of the body.
        framing: Framing,
    },
    /// Sends these bytes unchanged, without framing: part of a head, an invalid response, a whole body.
    Bytes(Bytes),
    /// Sends a piece of the body: as one chunk if the framing is [`Framing::Chunked`], else unchanged.
    Chunk(Bytes),
    /// Sends a piece of the body like [`Step::Chunk`], but every byte in its own packet (and chunk).
    OneByteAtATime(Bytes),
    /// Waits until the test opens the gate.
    Await(Gate),
    /// Pauses, so that a person can follow a demonstration. A test uses a gate instead.
    Pause(Duration),
    /// Waits until the peer closes the connection.
    Stall,
    /// Resets the connection (RST). The peer loses data that it has not read yet.
    Reset,
    /// Closes the connection (FIN).
    Close,
    /// Ends the body as its framing requires: sends the last chunk, closes the connection, or does nothing.
    End,
}

/// The announcement of the end of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// By `Content-Length`, which the body need not match.
    ContentLength(u64),
    /// By `Transfer-Encoding: chunked`.
    Chunked,
    /// By the end of the connection, which `Connection: close` announces.
    CloseDelimited,
}

impl Script {
    /// Creates an empty script, to be filled with [`Script::then`].
    pub fn new() -> Self {
        Self::default()
    }

    /// A complete JSON response with `Content-Length`.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::head(status, Framing::ContentLength(body.len() as u64))
            .header("Content-Type", "application/json")
            .then(Step::Bytes(body))
            .then(Step::End)
    }

    /// A complete chunked event stream, each event in its own chunk.
    pub fn sse(body: impl Into<Bytes>) -> Self {
        Self::sse_head().events(body).then(Step::End)
    }

    /// The head of a chunked event stream, to be followed by pieces.
    pub fn sse_head() -> Self {
        Self::head(200, Framing::Chunked).header("Content-Type", "text/event-stream; charset=utf-8")
    }

    /// The head of a response without headers, to be followed by a body.
    pub fn head(status: u16, framing: Framing) -> Self {
        Self::new().then(Step::Head { status, headers: Vec::new(), framing })
    }

    /// A response in the form of a recording: an event stream, a JSON body, or a head (`HTTP/…`) followed by a body.
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

    /// Adds a header to the head of the response.
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

    /// Adds a step at the end.
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

    /// Adds an event stream, each event in its own chunk.
    #[must_use]
    pub fn events(mut self, stream: impl Into<Bytes>) -> Self {
        let mut rest = stream.into();
        while let Some(end) = rest.windows(2).position(|pair| pair == b"\n\n") {
            self = self.chunk(rest.split_to(end + 2));
        }
        if rest.is_empty() { self } else { self.chunk(rest) }
    }

    /// Inserts a wait at `gate` after the first `steps` steps.
    #[must_use]
    pub fn wait_after(mut self, steps: usize, gate: &Gate) -> Self {
        self.steps.insert(steps, Step::Await(gate.clone()));
        self
    }

    /// A chunked event stream that sends `first`, waits at `gate`, and then sends `rest` and ends.
    pub fn held_stream(first: impl Into<Bytes>, gate: &Gate, rest: impl Into<Bytes>) -> Self {
        Self::sse_head().chunk(first).then(Step::Await(gate.clone())).chunk(rest).then(Step::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_head_keeps_its_status_and_headers() {
        let script = Script::recorded("HTTP/2.0 401 Unauthorized\nContent-Length: 9\nX-Id: 7\n\n{\"a\":1}\n");
        let Some(Step::Head { status, headers, framing }) = script.steps.first() else { panic!("no head") };
        assert_eq!(*status, 401);
        assert_eq!(headers, &[("X-Id".to_owned(), "7".to_owned())]);
        assert_eq!(*framing, Framing::ContentLength(8));
    }

    #[test]
    fn each_event_is_a_chunk_and_no_byte_is_lost() {
        let script = Script::new().events("data: 1\n\ndata: 2\n\ntail");
        let chunks = script.steps.iter().map(|step| match step {
            Step::Chunk(bytes) => bytes.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(chunks.collect::<Vec<_>>(), ["data: 1\n\n", "data: 2\n\n", "tail"]);
    }
}
