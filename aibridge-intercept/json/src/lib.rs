//! Reads and edits JSON text in place.
//!
//! This crate never builds a tree and never serialises a value again. A [`Json`] is a slice of the original text; its
//! members are found by a scan that skips the others. An [`Edit`] replaces a range of bytes, and [`splice`] applies
//! edits without copying the rest. Unknown members, key order, number spelling, duplicate members and whitespace
//! therefore survive.
//!
//! - [`Json`] reads a value, strictly by RFC 8259.
//! - [`LenientText`] reads JSON of servers that deviate from RFC 8259.
//! - [`Edit`] and [`splice`] change a text.
//! - [`Prefilter`] and [`StringLength`] decide cheaply whether a text is worth a scan.
//! - [`StreamedMember`] reads one member of an object that arrives in slices.
//! - [`ValueEnd`] finds the end of a value in a stream.
//!
//! ```
//! use aibridge_json::{Edit, Json, splice};
//! use bytes::Bytes;
//!
//! let body = Bytes::from_static(b"{ \"temperature\": 1.0e0, \"stream\": true }");
//! let [stream] = Json::object(&body, ["stream"])?;
//! let edit = Edit::replace(&body, stream.unwrap(), "false");
//! let pieces: Vec<Bytes> = splice(&body, vec![edit]).into();
//! assert_eq!(pieces.concat(), b"{ \"temperature\": 1.0e0, \"stream\": false }");
//! # Ok::<(), aibridge_json::JsonError>(())
//! ```

mod edit;
mod lenient;
mod nesting;
mod prefilter;
mod scanner;
mod streamed_member;
mod string_length;
mod value;
mod value_end;

pub use edit::{Edit, splice};
pub use lenient::LenientText;
pub use prefilter::Prefilter;
pub use streamed_member::StreamedMember;
pub use string_length::{StringLength, count_characters};
pub use value::{Json, JsonError};
pub use value_end::{ValueEnd, is_complete};
