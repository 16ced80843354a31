//! Splits a byte stream into server-sent events or lines of NDJSON, without changing a byte.
//!
//! A [`Splitter`] takes chunks and returns [`Event`]s. Every byte of the stream is in exactly one event, so a relay that
//! sends the [raw bytes](Event::raw) of all events sends the stream as it came. Events that lie within one chunk are
//! slices of it; only an event that spans chunks is copied into a buffer. The work is linear in the number of bytes,
//! for any division into chunks.
//!
//! ```
//! use aibridge_sse::Splitter;
//! use bytes::Bytes;
//!
//! let mut splitter = Splitter::default();
//! splitter.push(Bytes::from_static(b"event: greeting\ndata: hello\n\ndata: wor"));
//! let event = splitter.next_event().unwrap();
//! assert_eq!(event.event_type().as_deref(), Some(&b"greeting"[..]));
//! assert_eq!(event.data().as_deref(), Some(&b"hello"[..]));
//! assert!(splitter.next_event().is_none(), "the next event is incomplete");
//! splitter.push(Bytes::from_static(b"ld\n\n"));
//! assert_eq!(splitter.next_event().unwrap().raw, "data: world\n\n");
//! ```

mod boundary;
mod event;
mod splitter;

pub use event::Event;
pub use splitter::Splitter;
