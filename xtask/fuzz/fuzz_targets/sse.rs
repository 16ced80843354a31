//! A stream keeps its bytes and gives the same events, however it is cut into chunks.
#![no_main]

use aibridge_sse::Splitter;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

/// All bytes that were given out, and the name and data of each event.
type Events = (Vec<u8>, Vec<(Option<Vec<u8>>, Vec<u8>)>);

fn split<'a>(mut splitter: Splitter, chunks: impl Iterator<Item = &'a [u8]>) -> Events {
    let (mut bytes, mut events) = (Vec::new(), Vec::new());
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = splitter.next_event() {
            bytes.extend_from_slice(&event.raw);
            if let Some(data) = event.data() {
                events.push((event.event_type().map(Vec::from), data.into_owned()));
            }
        }
    }
    bytes.extend_from_slice(&splitter.take_rest());
    (bytes, events)
}

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (lines, size, stream) = input;
    let new = || if lines { Splitter::ndjson() } else { Splitter::default() };
    let whole = split(new(), std::iter::once(stream));
    assert!(whole.0 == stream, "bytes are lost or changed");
    for size in [1, usize::from(size).max(2)] {
        assert_eq!(split(new(), stream.chunks(size)), whole, "chunks of {size}");
    }
});
