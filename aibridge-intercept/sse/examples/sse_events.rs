//! Prints the type and the data of each server-sent event on standard input, as soon as it is complete:
//! `curl -N URL | cargo run --example sse_events`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_sse::Splitter;
use bytes::Bytes;
use std::io::{self, Read, stdin};

fn main() -> io::Result<()> {
    let mut splitter = Splitter::default();
    let mut chunk = [0; 4096];
    loop {
        let length = stdin().read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        splitter.push(Bytes::copy_from_slice(&chunk[..length]));
        while let Some(event) = splitter.next_event() {
            let Some(data) = event.data() else { continue };
            let event_type = event.event_type().unwrap_or_default();
            println!("{}: {}", String::from_utf8_lossy(&event_type), String::from_utf8_lossy(&data));
        }
    }
}
