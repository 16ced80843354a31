//! The errors that the gateway returns instead of a response of a provider.
//!
//! [`Error`] is the table of the core's errors: their statuses, kinds and codes. At the edge, an error of
//! any crate is converted to an [`ErrorResponse`], and an [`ErrorFormat`] renders it as the client's API does.
//!
//! ```
//! use aibridge_error::{ERROR_HEADER, Error, ErrorFormat, ErrorResponse};
//!
//! let response = ErrorResponse::from(Error::ShuttingDown).into_http(ErrorFormat::Anthropic, None);
//! assert_eq!(response.status(), 503);
//! assert_eq!(response.headers()[ERROR_HEADER], "shutting_down");
//! ```

pub mod error;
pub mod error_format;
pub mod error_kind;
pub mod error_response;
pub mod object;

pub use error::{Error, whole_seconds};
pub use error_format::ErrorFormat;
pub use error_kind::ErrorKind;
pub use error_response::{ERROR_HEADER, ErrorResponse};
