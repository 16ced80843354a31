//! The errors of the API for operators, and their error responses.

use aibridge_intercept::ErrorResponse;
use http::{HeaderValue, StatusCode, header};
use std::time::Duration;

/// An error of a query of records or keys.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A parameter of the query is unknown, or its value is invalid.
    #[error("the parameter {name:?} cannot be used: {problem}")]
    InvalidParameter {
        /// The parameter's name, as it was sent.
        name: String,
        /// The defect, and what to write instead.
        problem: String,
    },
    /// The query aggregates to more rows than are kept in memory.
    #[error("this adds up to more than {0} rows: ask for less with since, until or another filter")]
    QueryTooBroad(usize),
    /// The interception is not recorded.
    #[error("there is no interception {0}")]
    UnknownInterception(String),
    /// The access token does not exist.
    #[error("there is no access token {0}: the list shows them all")]
    UnknownToken(String),
    /// The provider key does not exist.
    #[error("there is no such key: read the list of keys again")]
    UnknownKey,
    /// The body is not the JSON that the endpoint needs.
    #[error("the body cannot be used: {0}")]
    InvalidBody(String),
    /// The limit of concurrent queries is reached.
    #[error("too many read records at once: try again in a second")]
    TooManyReaders,
    /// The query exceeded its timeout.
    #[error("reading took longer than {0:?}: ask for less with since, until or another filter")]
    RecordsTooSlow(Duration),
    /// The store cannot be read now.
    #[error("the records cannot be read now: see the gateway's log for the reason")]
    RecordsUnavailable,
    /// The gateway has a defect.
    #[error("the gateway failed on this request: see its log for the reason")]
    Internal,
}

impl ApiError {
    /// The error's `code`, which is stable.
    pub fn code(&self) -> &'static str {
        self.class().2
    }

    fn class(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        const INVALID: &str = "invalid_request_error";
        const SERVER: &str = "server_error";
        match self {
            Self::InvalidParameter { .. } => (S::BAD_REQUEST, INVALID, "invalid_parameter"),
            Self::QueryTooBroad(_) => (S::BAD_REQUEST, INVALID, "query_too_broad"),
            Self::UnknownInterception(_) => (S::NOT_FOUND, INVALID, "unknown_interception"),
            Self::UnknownToken(_) => (S::NOT_FOUND, INVALID, "unknown_token"),
            Self::UnknownKey => (S::NOT_FOUND, INVALID, "unknown_key"),
            Self::InvalidBody(_) => (S::BAD_REQUEST, INVALID, "invalid_json"),
            Self::TooManyReaders => (S::SERVICE_UNAVAILABLE, SERVER, "too_many_readers"),
            Self::RecordsTooSlow(_) => (S::GATEWAY_TIMEOUT, SERVER, "records_timeout"),
            Self::RecordsUnavailable => (S::SERVICE_UNAVAILABLE, SERVER, "records_unavailable"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, SERVER, "internal_error"),
        }
    }
}

impl From<ApiError> for ErrorResponse {
    fn from(error: ApiError) -> Self {
        let (status, kind, code) = error.class();
        let message = error.to_string();
        let (param, headers) = match error {
            ApiError::InvalidParameter { name, .. } => (Some(name), Vec::new()),
            ApiError::TooManyReaders => (None, vec![(header::RETRY_AFTER, HeaderValue::from_static("1"))]),
            ApiError::QueryTooBroad(_)
            | ApiError::UnknownInterception(_)
            | ApiError::UnknownToken(_)
            | ApiError::UnknownKey
            | ApiError::InvalidBody(_)
            | ApiError::RecordsTooSlow(_)
            | ApiError::RecordsUnavailable
            | ApiError::Internal => (None, Vec::new()),
        };
        Self { status, kind, code, message, param, headers }
    }
}
