//! Errors inside a 2xx: what a provider reports in a body or an event, after it has answered with a good status.

use crate::json::Json;
use crate::sse::Event;

/// What an event with a name has beside its data, at least.
const NAMED: usize = "event:error\ndata:\n".len();

/// Whether `value`, a whole body or the data of an event, is an error: an object with an error or of the type `error`,
/// or an array whose first element has an error.
pub fn is_error(value: Json<'_>) -> bool {
    let [error, object] = value.members(["error", "object"]);
    let in_array = || {
        let mut first = None;
        value.for_each_element(|element| {
            first.get_or_insert_with(|| has_error(element.member("error")));
        });
        first.unwrap_or(false)
    };
    has_error(error) || object.is_some_and(|object| object.is_string("error")) || in_array()
}

/// Whether a member `error` reports one. Providers send empty ones without meaning anything.
pub fn has_error(error: Option<Json<'_>>) -> bool {
    error.is_some_and(Json::is_truthy)
}

/// Whether `event`, whose data is `data`, is named `error`.
pub fn is_error_event(event: &Event, data: &[u8]) -> bool {
    event.raw.len() >= data.len() + NAMED && is_named_error(event)
}

/// Whether `event`, which may have no data, is named `error`.
pub fn is_named_error(event: &Event) -> bool {
    event.kind().is_some_and(|name| name.trim_ascii() == b"error")
}

/// Whether `data` is `[DONE]`, perhaps with white space around it or NULs after it.
pub fn is_done(data: &[u8]) -> bool {
    let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    data[..end].trim_ascii() == b"[DONE]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::LenientText;
    use bytes::Bytes;

    #[test]
    fn errors_are_told_from_empty_members() {
        for (text, expected) in [
            (r#"{"error":{"message":"x"}}"#, true),
            (r#"{"error":"x"}"#, true),
            (r#"{"error":true}"#, true),
            (r#"{"error":500}"#, true),
            (r#"{"error":["x"]}"#, true),
            (r#"{"error":null}"#, false),
            (r#"{"error":""}"#, false),
            (r#"{"error":{ }}"#, false),
            (r#"{"error":[]}"#, false),
            (r#"{"error":false}"#, false),
            (r#"{"error":0}"#, false),
            (r#"{"error":0.0}"#, false),
            (r#"{"object":"error","message":"x"}"#, true),
            (r#"{"object":"chat.completion"}"#, false),
            (r#"[{"error":{"code":503}}]"#, true),
            (r#"[{"error":null},{"error":{"code":503}}]"#, false),
            (r#"[{"choices":[]}]"#, false),
            ("[]", false),
            (r#""error""#, false),
        ] {
            let text = LenientText::new(text.as_bytes());
            assert_eq!(is_error(text.json().unwrap()), expected, "{text:?}");
        }
    }

    #[test]
    fn events_have_names() {
        for (raw, expected) in [
            ("event: error\ndata: {}\n\n", true),
            ("event:error\ndata:\n\n", true),
            ("id: 1\ndata: {}\nevent: error\n\n", true),
            ("event: error \r\ndata: {}\r\n\r\n", true),
            ("event: errors\ndata: {}\n\n", false),
            ("data: {\"event\":\"error\"}\n\n", false),
            ("data: {}\n\n", false),
        ] {
            let event = Event::from(Bytes::from(raw));
            let data = event.data().unwrap();
            assert_eq!(is_error_event(&event, &data), expected, "{raw:?}");
        }
    }
}
