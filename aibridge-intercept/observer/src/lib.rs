//! Reads a response: its encoding, its framing, and the content that is recorded.
//!
//! A relay passes the bytes of a response on and shows them to an [`Observer`], which extracts the content. A
//! [`ResponseReader`](response_reader::ResponseReader) runs the observer without delaying other tasks. A
//! [`Budget`](budget::Budget) bounds the content that the observer keeps, and [`assembly`] assembles it from pieces.
//! [`encoding`] and [`decoder`] read compressed bodies, and [`framing`] distinguishes a stream from a single body.
//!
//! ```
//! use aibridge_observer::budget::Budget;
//!
//! let mut text = String::new();
//! assert!(Budget::default().append(&mut text, "some reasoning"));
//! assert_eq!(text, "some reasoning");
//! ```

pub mod assembly;
pub mod budget;
pub mod decoder;
pub mod encoding;
pub mod framing;
pub mod in_band;
pub mod observer;
pub mod response_reader;
pub mod usage;

pub use observer::{Ending, EventAction, Observer, ResponseSummary};
