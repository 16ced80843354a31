//! The body of a passthrough request, buffered or streamed.

use crate::body::{self, Upload, Uploaded};
use crate::limits::{Place, Placed};
use aibridge_intercept::Error;
use aibridge_intercept::call::CallBody;
use aibridge_intercept::credential::Credential;
use aibridge_intercept::error_response::ERROR_HEADER;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::relay::ResponseBody;
use axum::body::Body;
use http_body::Body as _;
use std::sync::Arc;

/// The body of a request that is passed through, and the place of its answer.
pub(crate) struct Sending {
    pub(crate) body: CallBody,
    pub(crate) kept: Keeping,
}

/// What keeps the place of a request while its body is on the way.
pub(crate) enum Keeping {
    Whole(Place),
    Streamed(Arc<Uploaded>),
}

impl Sending {
    /// Only what may have to be sent to a second key is buffered.
    pub(crate) async fn begin(
        body: &mut Body,
        credential: &Credential,
        limit: usize,
        place: Place,
    ) -> Result<Self, Error> {
        let may_fail_over = matches!(credential, Credential::Centralized(pool) if pool.len() > 1);
        if may_fail_over || body.is_end_stream() {
            let body = CallBody::Replayable(Payload::from(body::read(body, limit).await?));
            place.take()?;
            return Ok(Self { body, kept: Keeping::Whole(place) });
        }
        let (upload, uploaded) = Upload::new(std::mem::take(body), place);
        let body = CallBody::Once(Some(reqwest::Body::wrap(upload)));
        Ok(Self { body, kept: Keeping::Streamed(uploaded) })
    }
}

impl Keeping {
    /// The answer with its place, unless the gateway itself stopped reading the body.
    pub(crate) fn keep(
        self,
        answer: http::Response<ResponseBody>,
    ) -> Result<http::Response<Placed<ResponseBody>>, Error> {
        match self {
            Self::Whole(place) => Ok(answer.map(|body| Placed::new(body, place))),
            Self::Streamed(uploaded) => {
                let is_own = answer.headers().contains_key(ERROR_HEADER);
                if let Some(error) = uploaded.refusal().filter(|_| is_own) {
                    return Err(error);
                }
                uploaded.place.take_anyway();
                Ok(answer.map(|body| Placed::shared(body, uploaded.place.clone())))
            }
        }
    }
}
