//! Reading request bodies within limits.

mod upload;

pub use upload::{Upload, UploadState};

use aibridge_intercept::{Error, request_body};
use axum::body::Body as AxumBody;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::time::timeout;

/// The most bytes of a refused request that are read after the response. Without reading, a client that is still sending
/// would receive a connection reset instead of the response.
const MAX_DRAIN_BYTES: usize = 64 << 20;
/// The longest time for which a refused request is read after the response.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(5);

/// Reads all of `body`, without a copy if it arrives in one chunk.
///
/// # Errors
///
/// [`Error::RequestTooLarge`] if it exceeds `limit` bytes, [`Error::RequestIncomplete`] if it breaks off,
/// [`Error::RequestMalformed`] if its chunks are malformed.
pub async fn read(body: &mut AxumBody, limit: usize) -> Result<Bytes, Error> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Error::RequestTooLarge(limit));
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = next(body).await? {
        if first.len().max(all.len()) + frame.len() > limit {
            return Err(Error::RequestTooLarge(limit));
        }
        if first.is_empty() {
            first = frame;
            continue;
        }
        if all.is_empty() {
            all.reserve(first.len() + frame.len() + usize::try_from(body.size_hint().lower()).unwrap_or(0));
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&frame);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

async fn next(body: &mut AxumBody) -> Result<Option<Bytes>, Error> {
    match timeout(request_body::IDLE_TIMEOUT, body.frame()).await {
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        Ok(Some(Err(error))) => Err(request_body::read_error(&error)),
        Ok(None) => Ok(None),
        Err(_) => Err(request_body::idle_error()),
    }
}

/// Whether the client of a refused request may still send its body. A client that waits for `100 Continue` has sent
/// nothing, and the gateway does not request the body.
pub fn is_being_sent(body: &AxumBody, headers: &HeaderMap) -> bool {
    !headers.contains_key(header::EXPECT) && !body.is_end_stream()
}

/// Reads and drops the rest of `body`, so that the client can read the response.
pub async fn drain(mut body: AxumBody) {
    let mut left = MAX_DRAIN_BYTES;
    let _ = timeout(MAX_DRAIN_TIME, async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    })
    .await;
}
