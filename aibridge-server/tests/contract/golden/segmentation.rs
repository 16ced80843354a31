//! The ways in which a response is split into chunks.

use aibridge_testkit::{Framing, Script, Step};
use bytes::Bytes;

/// The division of a response body into pieces. Each piece is a chunk of its own, and the gateway reads it as such.
#[derive(Debug, Clone, Copy)]
pub(super) enum Segmentation {
    Whole,
    /// After each blank line.
    Events,
    /// After each CR and each LF, also between the two.
    Lines,
    /// After this number of bytes: inside names, numbers, escapes and characters.
    Pieces(usize),
}

impl Segmentation {
    /// A script that sends `response`, which is a body or a head (`HTTP/…`) with a body.
    pub(super) fn script(self, response: &str, streaming: bool) -> Script {
        let head = match response.starts_with("HTTP/") {
            true => Script { steps: vec![chunked(Script::recorded(response).steps.remove(0))] },
            false if streaming => Script::sse_head(),
            false => Script::head(200, Framing::Chunked).header("Content-Type", "application/json"),
        };
        self.pieces(body(response)).into_iter().fold(head, Script::chunk).then(Step::End)
    }

    fn pieces(self, body: &str) -> Vec<Bytes> {
        let copy = |piece: &[u8]| Bytes::copy_from_slice(piece);
        match self {
            Self::Whole => vec![copy(body.as_bytes())],
            Self::Events => body.split_inclusive("\n\n").map(|event| copy(event.as_bytes())).collect(),
            Self::Lines => body.split_inclusive(['\r', '\n']).map(|line| copy(line.as_bytes())).collect(),
            Self::Pieces(size) => body.as_bytes().chunks(size).map(copy).collect(),
        }
    }
}

/// Replaces `Content-Length` by chunked framing, because the pieces are sent as chunks.
fn chunked(head: Step) -> Step {
    match head {
        Step::Head { status, headers, .. } => Step::Head { status, headers, framing: Framing::Chunked },
        other => panic!("no head: {other:?}"),
    }
}

/// The body of `response`, which may begin with a head.
pub(super) fn body(response: &str) -> &str {
    match response.starts_with("HTTP/") {
        true => response.split_once("\n\n").unwrap().1,
        false => response,
    }
}

/// The status of `response`, 200 without a head.
pub(super) fn status(response: &str) -> u16 {
    match response.starts_with("HTTP/") {
        true => response.split(' ').nth(1).unwrap().parse().unwrap(),
        false => 200,
    }
}
