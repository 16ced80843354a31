//! Reading a response body piece by piece, the same for HTTP/1.1 and HTTP/2.

use bytes::{Bytes, BytesMut};
use std::fmt::Debug;

/// A body that arrives in pieces.
pub(crate) trait BodyPieces {
    /// The end of the body.
    type End: Debug;

    /// The next piece as soon as it arrives, or how the body ended.
    fn next_piece(&mut self) -> impl Future<Output = Result<Bytes, Self::End>> + Send;
}

/// Reads up to and including the piece that completes `text`.
///
/// # Panics
///
/// If the body ends without `text`.
pub(crate) async fn read_until<B: BodyPieces>(pieces: &mut B, text: &str) -> Bytes {
    let mut body = BytesMut::new();
    while !body.windows(text.len()).any(|window| window == text.as_bytes()) {
        match pieces.next_piece().await {
            Ok(piece) => body.extend_from_slice(&piece),
            Err(end) => panic!("{end:?} end without {text:?} in {:?}", String::from_utf8_lossy(&body)),
        }
    }
    body.freeze()
}

/// Reads the rest of the body, and how it ended.
pub(crate) async fn read_to_end<B: BodyPieces>(pieces: &mut B) -> (Bytes, B::End) {
    let mut body = BytesMut::new();
    loop {
        match pieces.next_piece().await {
            Ok(piece) => body.extend_from_slice(&piece),
            Err(end) => return (body.freeze(), end),
        }
    }
}
