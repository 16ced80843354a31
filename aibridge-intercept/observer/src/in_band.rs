//! Errors in the body or an event of a response with a successful status.

use aibridge_json::Json;
use aibridge_sse::Event;

/// The fewest bytes of a named event besides its data.
const NAMED_EVENT_BYTES: usize = "event:error\ndata:\n".len();

/// Whether `value`, a whole body or the data of an event, is an error: an object with a member `error` or with the type
/// `error`, or an array whose first element has a member `error`.
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

/// Whether the value of a member `error` reports an error. Providers send empty ones on success.
pub fn has_error(error: Option<Json<'_>>) -> bool {
    error.is_some_and(Json::is_truthy)
}

/// Whether `event`, with the data `data`, has the type `error`.
pub fn is_error_event(event: &Event, data: &[u8]) -> bool {
    event.raw.len() >= data.len() + NAMED_EVENT_BYTES && is_named_error(event)
}

/// Whether `event`, which may have no data, has the type `error`.
pub fn is_named_error(event: &Event) -> bool {
    event.event_type().is_some_and(|name| name.trim_ascii() == b"error")
}

/// Whether `data` is `[DONE]`, with optional white space around it or NULs after it.
pub fn is_done(data: &[u8]) -> bool {
    let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    data[..end].trim_ascii() == b"[DONE]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_json::LenientText;
    use bytes::Bytes;

    #[test]
    fn distinguishes_errors_from_empty_members() {
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
    fn detects_error_events() {
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
