//! A Messages response gives the same summary however it is cut into chunks, and no bytes make the reader panic.
#![no_main]

use aibridge_intercept::{Error, EventAction, Observer, ResponseSummary};
use aibridge_messages::{Streaming, blocking};
use aibridge_sse::Splitter;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<EventAction>, ResponseSummary) {
    let (mut splitter, mut reader) = (Splitter::default(), Streaming::default());
    let mut actions = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = splitter.next_event() {
            if event.data().is_some() {
                actions.push(reader.event(&event));
            }
        }
    }
    let _ = reader.error_event(&Error::Internal);
    (actions, reader.finish())
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let whole = read(std::iter::once(stream));
    for size in [1, usize::from(size).max(2)] {
        assert_eq!(read(stream.chunks(size)), whole, "chunks of {size}");
    }
    let summary = blocking::summarize(stream);
    assert!(summary.usage.is_none_or(|usage| usage.input >= 0 && usage.cache_write >= 0));
});
