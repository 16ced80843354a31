//! Parses a responses request.

use crate::objects;
use crate::streaming::Streaming;
use aibridge_intercept::client::Client;
use aibridge_intercept::{Error, ParsedRequest, Request};
use aibridge_json::Json;

/// The types of items that contain the result of a tool call.
const TOOL_OUTPUTS: [&str; 5] = [
    "function_call_output",
    "custom_tool_call_output",
    "local_shell_call_output",
    "shell_call_output",
    "apply_patch_call_output",
];

/// Parses `request`, in one pass over its body.
///
/// # Errors
///
/// [`Error::InvalidJson`] if the body is not one JSON object, [`Error::InvalidModel`] if the model name is too long,
/// [`Error::BackgroundUnsupported`] if the request is for a background response: the gateway could not record its end.
pub fn parse_request(request: &Request) -> Result<ParsedRequest, Error> {
    let [previous_response, conversation] = objects::MEMBERS;
    let [model, stream, background, metadata, input, previous_response, conversation] = Json::object(
        &request.body.text,
        ["model", "stream", "background", "metadata", "input", previous_response, conversation],
    )?;
    // Few requests refer to an object. Those are scanned a second time, for duplicate members.
    let references = match previous_response.or(conversation) {
        Some(_) => objects::referenced_objects(&request.body.text)?,
        None => Vec::new(),
    };
    if background.is_some() && requests_background(&request.body.text) {
        return Err(Error::BackgroundUnsupported);
    }
    let last = input.and_then(Json::last_element);
    let [kind, role, content, call_id] =
        last.map(|last| last.members(["type", "role", "content", "call_id"])).unwrap_or_default();
    let is_user = role.and_then(Json::string).as_deref() == Some("user");
    let is_output = kind.and_then(Json::string).is_some_and(|kind| TOOL_OUTPUTS.contains(&&*kind));
    let prompt = match input.and_then(Json::non_empty_string) {
        Some(text) => Some(text),
        None => content.filter(|_| is_user).and_then(text_of_parts),
    };
    Ok(ParsedRequest {
        model: ParsedRequest::model(model)?,
        streaming: stream.is_some_and(Json::is_true),
        prompt,
        correlating_tool_call_id: call_id.filter(|_| is_output).and_then(Json::non_empty_string),
        references,
        client: Client::detect(&request.headers, metadata),
        edited: None,
        observer: Box::new(Streaming::default()),
    })
}

/// Whether a `background` member of `body` is neither `false` nor `null`. All duplicate members count, because providers
/// differ in the one that they use.
fn requests_background(body: &[u8]) -> bool {
    let mut found = false;
    if let Some(body) = Json::parse(body) {
        body.for_each_member(["background"], |_, value| found |= !matches!(value.text(), "false" | "null"));
    }
    found
}

/// The string content of a message, or its `input_text` parts joined by newlines.
fn text_of_parts(content: Json<'_>) -> Option<String> {
    if let Some(text) = content.non_empty_string() {
        return Some(text);
    }
    let mut parts = Vec::new();
    content.for_each_element(|part| {
        let [kind, text] = part.members(["type", "text"]);
        if kind.and_then(Json::string).as_deref() == Some("input_text") {
            parts.extend(text.and_then(Json::string));
        }
    });
    Some(parts.join("\n")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_intercept::{Actor, RequestBody};
    use bytes::Bytes;

    fn parse(body: &str) -> Result<ParsedRequest, Error> {
        parse_request(&Request {
            route: "/responses".into(),
            query: None,
            headers: http::HeaderMap::new(),
            body: RequestBody::plain(Bytes::copy_from_slice(body.as_bytes())),
            actor: Actor::anonymous(),
        })
    }

    #[test]
    fn the_prompt_is_the_input_or_the_last_user_message() {
        let table = [
            (r#""tell me a joke""#, Some("tell me a joke")),
            (r#"[{"role":"user","content":"a"}]"#, Some("a")),
            (
                r#"[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image"},{"type":"input_text","text":"b"}]}]"#,
                Some("a\nb"),
            ),
            (r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#, None),
            (r#"[{"role":"user","content":[{"type":"output_text","text":"a"}]}]"#, None),
            (
                r#"[{"role":"user","content":"a"},{"type":"function_call_output","call_id":"c","output":"b"}]"#,
                None,
            ),
            ("[]", None),
            ("5", None),
            ("null", None),
        ];
        for (input, expected) in table {
            let parsed = parse(&format!(r#"{{"input":{input},"stream":true}}"#)).unwrap();
            assert_eq!(parsed.prompt.as_deref(), expected, "{input}");
            assert!(parsed.streaming && parsed.edited.is_none());
        }
    }

    #[test]
    fn tool_outputs_have_the_correlating_tool_call() {
        for kind in TOOL_OUTPUTS {
            let parsed = parse(&format!(r#"{{"input":[{{"type":"{kind}","call_id":"call_1"}}]}}"#)).unwrap();
            assert_eq!(parsed.correlating_tool_call_id.as_deref(), Some("call_1"), "{kind}");
        }
        let parsed = parse(r#"{"input":[{"type":"function_call","call_id":"call_1"}]}"#).unwrap();
        assert_eq!(parsed.correlating_tool_call_id, None);
    }

    #[test]
    fn background_is_refused() {
        for background in [
            "true",
            "1",
            "0",
            r#""true""#,
            r#""""#,
            "{}",
            "[]",
            r#"false,"background":true"#,
            r#"true,"background":false"#,
        ] {
            let parsed = parse(&format!(r#"{{"background":{background}}}"#));
            assert!(matches!(parsed, Err(Error::BackgroundUnsupported)), "{background}");
        }
        for background in ["false", "null", r#"null,"background":false"#] {
            assert!(parse(&format!(r#"{{"background":{background}}}"#)).is_ok(), "{background}");
        }
    }
}
