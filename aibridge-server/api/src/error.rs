//! The errors of the API for operators, and their error responses.

use aibridge_api_parameters::InvalidParameter;
use aibridge_intercept::{ErrorKind, ErrorResponse};
use http::{HeaderValue, StatusCode, header};
use std::time::Duration;

/// An error of a query of records or keys.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A parameter of the query is unknown, or its value is invalid.
    #[error(transparent)]
    InvalidParameter(#[from] InvalidParameter),
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

    fn class(&self) -> (StatusCode, ErrorKind, &'static str) {
        use ErrorKind::{InvalidRequest, Server};
        use StatusCode as S;
        match self {
            Self::InvalidParameter(_) => (S::BAD_REQUEST, InvalidRequest, "invalid_parameter"),
            Self::QueryTooBroad(_) => (S::BAD_REQUEST, InvalidRequest, "query_too_broad"),
            Self::UnknownInterception(_) => (S::NOT_FOUND, InvalidRequest, "unknown_interception"),
            Self::UnknownToken(_) => (S::NOT_FOUND, InvalidRequest, "unknown_token"),
            Self::UnknownKey => (S::NOT_FOUND, InvalidRequest, "unknown_key"),
            Self::InvalidBody(_) => (S::BAD_REQUEST, InvalidRequest, "invalid_json"),
            Self::TooManyReaders => (S::SERVICE_UNAVAILABLE, Server, "too_many_readers"),
            Self::RecordsTooSlow(_) => (S::GATEWAY_TIMEOUT, Server, "records_timeout"),
            Self::RecordsUnavailable => (S::SERVICE_UNAVAILABLE, Server, "records_unavailable"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, Server, "internal_error"),
        }
    }
}

impl From<ApiError> for ErrorResponse {
    fn from(error: ApiError) -> Self {
        let (status, kind, code) = error.class();
        let response = Self::new(status, kind, code, error.to_string());
        match error {
            ApiError::InvalidParameter(InvalidParameter { name, .. }) => {
                Self { param: Some(name.into()), ..response }
            }
            ApiError::TooManyReaders => {
                response.with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            }
            ApiError::QueryTooBroad(_)
            | ApiError::UnknownInterception(_)
            | ApiError::UnknownToken(_)
            | ApiError::UnknownKey
            | ApiError::InvalidBody(_)
            | ApiError::RecordsTooSlow(_)
            | ApiError::RecordsUnavailable
            | ApiError::Internal => response,
        }
    }
}
