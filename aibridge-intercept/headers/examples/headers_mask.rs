//! Reads lines of headers, such as `Authorization: Bearer sk-…`, and prints them with hints in place of credentials.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_headers::mask;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io;

fn main() -> io::Result<()> {
    let mut headers = HeaderMap::new();
    for line in io::stdin().lines() {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.trim())) {
            headers.append(name, value);
        }
    }
    for (name, value) in &mask::headers(&headers) {
        println!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    Ok(())
}
