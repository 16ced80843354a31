//! An error response of the gateway's own: one type for the errors of all crates, and its rendering in the format of the
//! OpenAI API. It does not contain the table of errors: each error enum converts itself.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// The header of every error response of the gateway's own, which distinguishes it from the provider's. Its value is the
/// error's `code`.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("x-aibridge-error");

/// An error response before it is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The status of the response.
    pub status: StatusCode,
    /// The error's `type`.
    pub kind: &'static str,
    /// The error's `code`, which is stable.
    pub code: &'static str,
    /// The message: what happened, then what to do.
    pub message: String,
    /// The name of the request's parameter that caused the error.
    pub param: Option<String>,
    /// Headers besides `Content-Type` and [`ERROR_HEADER`].
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl ErrorResponse {
    /// The error object of the OpenAI API: `{"message":…,"type":…,"param":…,"code":…}`.
    pub fn to_object(&self) -> String {
        let Self { kind, code, .. } = self;
        let message = serde_json::Value::from(self.message.as_str());
        let param = serde_json::Value::from(self.param.as_deref());
        format!(r#"{{"message":{message},"type":"{kind}","param":{param},"code":"{code}"}}"#)
    }

    /// The HTTP response with an error object of the OpenAI API.
    pub fn into_http(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(format!(r#"{{"error":{}}}"#, self.to_object())));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ERROR_HEADER, HeaderValue::from_static(self.code));
        headers.extend(self.headers);
        response
    }
}
