//! Reads values as a settings file spells them, and prints their meaning or what to write instead.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_values::duration::RawDuration;
use aibridge_values::size::RawSize;
use aibridge_values::{address, base_url};
use serde::Deserialize;
use std::fmt::Display;

/// A file with a single setting.
#[derive(Deserialize)]
struct File<T> {
    setting: T,
}

/// Reads `text`, a value in TOML.
fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let file: Result<File<T>, _> = toml::from_str(&format!("setting = {text}"));
    file.map(|file| file.setting).map_err(|error| error.message().to_owned())
}

fn print(text: &str, value: Result<impl Display, String>) {
    match value {
        Ok(value) => println!("{text:<30} {value}"),
        Err(message) => println!("{text:<30} problem: {message}"),
    }
}

fn main() {
    for text in [r#""1m 30s""#, r#""500ms""#, "10", r#""0s""#, r#""2 years""#] {
        let duration = read::<RawDuration>(text).and_then(RawDuration::positive);
        print(text, duration.map(|duration| format!("{duration:?}")));
    }
    for text in [r#""64MiB""#, "4096", r#""many""#, "0"] {
        let size = read::<RawSize>(text).and_then(RawSize::positive);
        print(text, size.map(|size| format!("{size} bytes")));
    }
    for text in ["localhost:8080", "0.0.0.0:8080", "8080"] {
        let address = address::parse(text);
        let reach = |address| if address::is_exposed(address) { "exposed" } else { "this machine only" };
        print(text, address.map(|address| format!("{address}, {}", reach(address))));
    }
    let advice = base_url::Advice { example: "https://api.openai.com/v1", credentials: "keys" };
    for text in ["https://example.com/v1", "ftp://example.com", "https://user:pw@example.com"] {
        print(text, base_url::parse(text, advice));
    }
}
