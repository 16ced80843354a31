//! Headers: the rules for forwarding them, the credential of a request, and the masking of credentials.
//!
//! [`forwarding`] has the rules for both directions, [`credential`] chooses between the client's own key and the pool, and
//! [`mask`] replaces credentials by hints, for everything that people read.
//!
//! ```
//! use aibridge_headers::mask;
//! use http::{HeaderMap, HeaderValue, header};
//!
//! let mut headers = HeaderMap::new();
//! headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer sk-a-very-long-key-abcd"));
//! assert!(!mask::headers(&headers)[header::AUTHORIZATION].to_str().unwrap().contains("very-long"));
//! ```

pub mod actor;
pub mod credential;
pub mod forwarding;
pub mod mask;
