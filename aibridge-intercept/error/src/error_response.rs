//! An error response of the gateway's own: one type for the errors of all crates. It does not contain the table of errors:
//! each error enum converts itself. How an API renders it is in `error_format`.

use crate::error_kind::ErrorKind;
use http::{HeaderName, HeaderValue, StatusCode};

/// The header of every error response of the gateway's own, which distinguishes it from the provider's. Its value is the
/// error's `code`.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("x-aibridge-error");

/// The header in which the official SDKs of both vendors read whether to try again.
pub(crate) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// An error response before it is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The status of the response.
    pub status: StatusCode,
    /// The kind of the error, which becomes its `type`.
    pub kind: ErrorKind,
    /// The error's `code`, which is stable.
    pub code: &'static str,
    /// The message: what happened, then what to do.
    pub message: Box<str>,
    /// The name of the request's parameter that caused the error.
    pub param: Option<Box<str>>,
    /// Headers besides `Content-Type` and [`ERROR_HEADER`].
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Further members of the error object, each with its value as JSON text, so that numbers keep all their decimals.
    pub members: Vec<(&'static str, Box<str>)>,
    /// The limit of the settings that refused the request, if one did: `concurrency`, `requests`, `tokens` or `budget`.
    pub limit: Option<&'static str>,
}

impl ErrorResponse {
    /// A response without a parameter, further headers and members.
    pub fn new(
        status: StatusCode,
        kind: ErrorKind,
        code: &'static str,
        message: impl Into<Box<str>>,
    ) -> Self {
        Self {
            status,
            kind,
            code,
            message: message.into(),
            param: None,
            headers: Vec::new(),
            members: Vec::new(),
            limit: None,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
