//! The JSON scan agrees with `serde_json`, and a splice changes what it should and nothing else.
#![no_main]

use aibridge_json::{Edit, Json};
use aibridge_intercept::payload::Payload;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

const NAMES: [&str; 4] = ["model", "stream", "messages", "a"];

/// Whether `body` is one JSON object by its grammar. Strings may hold lone surrogates, which no Rust string can.
fn is_object(body: &[u8]) -> Option<bool> {
    let is_braced = body.trim_ascii_start().first() == Some(&b'{');
    match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) => Some(is_braced),
        // serde_json limits the depth, which the scan does not.
        Err(error) if error.to_string().contains("recursion") => None,
        Err(_) => Some(false),
    }
}

fuzz_target!(|body: &[u8]| {
    let found = Json::object(body, NAMES);
    let Some(is_object) = is_object(body) else { return };
    assert_eq!(found.is_ok(), is_object && std::str::from_utf8(body).is_ok());
    let Ok(parsed) = serde_json::from_slice::<Map<String, Value>>(body) else { return };
    let found = found.expect("serde_json accepts it");
    for (name, value) in NAMES.into_iter().zip(found) {
        let text = value.map(|value| serde_json::from_str::<Value>(value.text()).expect("a member is a JSON value"));
        assert_eq!(text.as_ref(), parsed.get(name), "{name}");
    }
    let bytes = Bytes::copy_from_slice(body);
    if let Some(value) = found[0] {
        let edited = Payload::edited(&bytes, vec![Edit::replace(body, value, "\"spliced\"")]).to_bytes();
        let [model, stream, messages, a] = Json::object(&edited, NAMES).expect("a splice keeps the body valid");
        assert_eq!(model.map(Json::text), Some("\"spliced\""));
        for (after, before) in [stream, messages, a].into_iter().zip(&found[1..]) {
            assert_eq!(after.map(Json::text), before.map(Json::text));
        }
        assert_eq!(edited.len(), body.len() - value.text().len() + "\"spliced\"".len());
    }
});
