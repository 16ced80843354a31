//! How an answer is cut on its way.

use aibridge_testkit::{Framing, Script, Step};
use bytes::Bytes;

/// Each piece is a chunk of its own, which the gateway gets to see as such.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    Whole,
    /// Behind each blank line.
    Events,
    /// Behind each CR and each LF, so also between the two.
    Lines,
    /// So many bytes each: through names, numbers, escapes and characters.
    Pieces(usize),
}

impl Cut {
    /// Sends `answer`, a body or a head (`HTTP/…`) with a body.
    pub(super) fn script(self, answer: &str, streaming: bool) -> Script {
        let head = match answer.starts_with("HTTP/") {
            true => Script { steps: vec![chunked(Script::recorded(answer).steps.remove(0))] },
            false if streaming => Script::sse_head(),
            false => Script::head(200, Framing::Chunked).header("Content-Type", "application/json"),
        };
        self.pieces(body(answer)).into_iter().fold(head, Script::chunk).then(Step::End)
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

/// As the last words of a cut body would be taken for its length.
fn chunked(head: Step) -> Step {
    match head {
        Step::Head { status, headers, .. } => Step::Head { status, headers, framing: Framing::Chunked },
        other => panic!("no head: {other:?}"),
    }
}

/// What of `answer` is body.
pub(super) fn body(answer: &str) -> &str {
    match answer.starts_with("HTTP/") {
        true => answer.split_once("\n\n").unwrap().1,
        false => answer,
    }
}

/// The status of `answer`.
pub(super) fn status(answer: &str) -> u16 {
    match answer.starts_with("HTTP/") {
        true => answer.split(' ').nth(1).unwrap().parse().unwrap(),
        false => 200,
    }
}
