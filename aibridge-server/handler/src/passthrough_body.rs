//! The body of a passthrough request, buffered or streamed, and the permit of its response.

use crate::body::{self, Upload, UploadState};
use aibridge_intercept::ErrorResponse;
use aibridge_intercept::call::CallBody;
use aibridge_intercept::credential::Credential;
use aibridge_intercept::error_response::ERROR_HEADER;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::relay::ResponseBody;
use aibridge_limits::{PermitBody, RequestPermit};
use axum::body::Body;
use http_body::Body as _;
use std::sync::Arc;

/// The body of a passthrough request, and the permit of its response.
pub(crate) struct PassthroughBody {
    pub(crate) body: CallBody,
    pub(crate) permit: ResponsePermit,
}

/// The permit of a request whose body is on its way to the provider.
pub(crate) enum ResponsePermit {
    /// The body is buffered, so the permit is acquired.
    Buffered(RequestPermit),
    /// The body is streamed: the upload acquires the permit with its first bytes.
    Streamed(Arc<UploadState>),
}

impl PassthroughBody {
    /// Buffers `body` only if it may have to be sent again with a second key; otherwise streams it.
    pub(crate) async fn begin(
        body: &mut Body,
        credential: &Credential,
        limit: usize,
        permit: RequestPermit,
    ) -> Result<Self, ErrorResponse> {
        let may_fail_over = matches!(credential, Credential::Centralized(pool) if pool.len() > 1);
        if may_fail_over || body.is_end_stream() {
            let body = CallBody::Replayable(Payload::from(body::read(body, limit).await?));
            permit.acquire()?;
            return Ok(Self { body, permit: ResponsePermit::Buffered(permit) });
        }
        let (upload, state) = Upload::new(std::mem::take(body), permit);
        let body = CallBody::Once(Some(reqwest::Body::wrap(upload)));
        Ok(Self { body, permit: ResponsePermit::Streamed(state) })
    }
}

impl ResponsePermit {
    /// Attaches the permit to `response`. Fails if the gateway itself stopped reading the request body.
    pub(crate) fn attach_to(
        self,
        response: http::Response<ResponseBody>,
    ) -> Result<http::Response<PermitBody<ResponseBody>>, ErrorResponse> {
        match self {
            Self::Buffered(permit) => Ok(response.map(|body| PermitBody::new(body, permit))),
            Self::Streamed(upload) => {
                let is_gateway_error = response.headers().contains_key(ERROR_HEADER);
                if let Some(error) = upload.refusal().filter(|_| is_gateway_error) {
                    return Err(error);
                }
                upload.permit.force_acquire();
                Ok(response.map(|body| PermitBody::shared(body, upload.permit.clone())))
            }
        }
    }
}
