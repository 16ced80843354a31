//! The errors that the gateway returns instead of a response of a provider.
//!
//! [`Error`] is the table of their statuses, types and codes. An [`ErrorResponse`] is the form in which a client gets one.
//!
//! ```
//! use aibridge_error::{ERROR_HEADER, Error};
//!
//! let response = Error::ShuttingDown.to_response();
//! assert_eq!(response.status(), 503);
//! assert_eq!(response.headers()[ERROR_HEADER], "shutting_down");
//! ```

pub mod error;
pub mod error_response;
pub mod object;
pub mod rate_limit;

pub use error::{Error, whole_seconds};
pub use error_response::{ERROR_HEADER, ErrorResponse};
