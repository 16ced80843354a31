//! A path that a provider could interpret as a bridged route is bridged or refused, never passed through.
#![no_main]

use aibridge_admission::route;
use aibridge_provider::{OpenAi, OpenAiConfig, Provider, Route};
use http::{HeaderMap, Method, Uri};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static PROVIDERS: LazyLock<[Arc<dyn Provider>; 1]> =
    LazyLock::new(|| [Arc::new(OpenAi::new(OpenAiConfig::default()).expect("a provider"))]);

const BRIDGED: [&str; 3] = ["/chat/completions", "/responses", "/responses/compact"];

/// The path as a lenient server may read it: decoded, without parameters and trailing slashes, in lower case.
fn lenient(path: &str) -> String {
    let (mut decoded, bytes) = (Vec::new(), path.as_bytes());
    let mut at = 0;
    while at < bytes.len() {
        let hex = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    let decoded = String::from_utf8_lossy(&decoded).to_lowercase();
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split(['/', '\\']) {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            plain => segments.push(plain),
        }
    }
    format!("/{}", segments.join("/"))
}

fuzz_target!(|input: (&str, u8)| {
    let (rest, method) = input;
    let Ok(uri) = format!("/openai/v1/{rest}").parse::<Uri>() else { return };
    let methods = [Method::POST, Method::GET, Method::PUT, Method::DELETE];
    let method = &methods[usize::from(method) % methods.len()];
    let Ok(target) = route::find(&*PROVIDERS, method, &uri, &HeaderMap::new()) else { return };
    let read = lenient(&target.path);
    match target.route {
        Route::Bridged(route) => assert_eq!(target.path, route),
        Route::Passthrough(_) | Route::Further(_) => {
            assert!(!BRIDGED.contains(&read.as_str()), "{} is read as {read}", target.path);
        }
        // The gateway answers, so no provider reads the path.
        Route::Local => {}
    }
});
