//! Parses a chat completions request.

use crate::streaming::Streaming;
use aibridge_intercept::client::Client;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::prompt::last_text;
use aibridge_intercept::{Error, ParsedRequest, Request};
use aibridge_json::{Edit, Json};
use aibridge_presets::UsageChunk;

/// Parses `request`, in one pass over its body.
///
/// With [`UsageChunk::Add`], the edit of a stream sets `stream_options.include_usage` to `true`, so that the stream reports
/// its usage. The observer then withholds the usage chunk, unless the client asked for it.
///
/// # Errors
///
/// [`Error::InvalidJson`] if the body is not one JSON object, [`Error::InvalidModel`] if the model name is too long.
pub fn parse_request(request: &Request, usage_chunk: UsageChunk) -> Result<ParsedRequest, Error> {
    let body = &request.body.text;
    let [model, stream, stream_options, usage, metadata, messages] =
        Json::object(body, ["model", "stream", "stream_options", "usage", "metadata", "messages"])?;
    let streaming = stream.is_some_and(Json::is_true);
    let edit = match usage_chunk {
        UsageChunk::Add if streaming => include_usage(body, stream_options),
        UsageChunk::Add | UsageChunk::Native => None,
    };
    // OpenRouter's way to ask for the usage.
    let asks_for_usage = usage.and_then(|usage| usage.member("include")).is_some_and(Json::is_true);
    let last = messages.and_then(Json::last_element);
    let [role, content, tool_call_id] =
        last.map(|last| last.members(["role", "content", "tool_call_id"])).unwrap_or_default();
    let role = role.and_then(Json::string);
    let has_role = |name| role.as_deref() == Some(name);
    Ok(ParsedRequest {
        model: ParsedRequest::model(model)?,
        streaming,
        prompt: content
            .filter(|_| has_role("user"))
            .and_then(|content| last_text(content, |text| !text.is_empty())),
        correlating_tool_call_id: tool_call_id.filter(|_| has_role("tool")).and_then(Json::non_empty_string),
        references: Vec::new(),
        client: Client::detect(&request.headers, metadata),
        observer: Box::new(Streaming::new(edit.is_some() && !asks_for_usage)),
        edited: edit.map(|edit| Payload::edited(body, vec![edit])),
    })
}

/// The edit that sets `stream_options.include_usage`; `None` if it is set, or if `stream_options` is neither an object
/// nor null.
fn include_usage(body: &[u8], stream_options: Option<Json<'_>>) -> Option<Edit> {
    let Some(options) = stream_options else {
        return Some(Edit::insert_first(body, r#""stream_options":{"include_usage":true}"#));
    };
    if options.is_null() {
        return Some(Edit::replace(body, options, r#"{"include_usage":true}"#));
    }
    if !options.is_object() {
        return None;
    }
    match options.member("include_usage") {
        Some(value) if value.is_true() => None,
        Some(value) => Some(Edit::replace(body, value, "true")),
        None => Some(Edit::insert_first_into(body, options, r#""include_usage":true"#)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_intercept::{Actor, RequestBody};
    use bytes::Bytes;

    fn parse(body: &str) -> ParsedRequest {
        parse_with(body, UsageChunk::Add)
    }

    fn parse_with(body: &str, usage_chunk: UsageChunk) -> ParsedRequest {
        let body = RequestBody::plain(Bytes::copy_from_slice(body.as_bytes()));
        let request = Request {
            route: "/chat/completions".into(),
            query: None,
            headers: http::HeaderMap::new(),
            body,
            actor: Actor::anonymous(),
        };
        parse_request(&request, usage_chunk).unwrap()
    }

    #[test]
    fn the_last_message_is_the_prompt_if_the_user_wrote_it() {
        let table = [
            (r#"[{"role":"user","content":"hi\n"}]"#, Some("hi\n")),
            (r#"[{"role":"user","content":"a"},{"role":"user","content":"b"}]"#, Some("b")),
            (r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#, None),
            (
                r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]"#,
                Some("b"),
            ),
            (r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]"#, Some("a")),
            (r#"[{"role":"user","content":[{"type":"image_url"}]}]"#, None),
            (r#"[{"role":"user","content":"lone \ud800 surrogate"}]"#, Some("lone \u{fffd} surrogate")),
            (r#"[{"role":"user"}]"#, None),
            (r#"[{"role":"user","content":5}]"#, None),
            ("[]", None),
            (r#"{"role":"user","content":"no list"}"#, None),
            ("null", None),
        ];
        for (messages, expected) in table {
            let parsed = parse(&format!(r#"{{"messages":{messages}}}"#));
            assert_eq!(parsed.prompt.as_deref(), expected, "{messages}");
            assert_eq!((parsed.model, parsed.streaming), (None, false));
        }
    }

    #[test]
    fn a_tool_message_has_the_correlating_tool_call() {
        let parsed =
            parse(r#"{"model":"m","messages":[{"role":"tool","tool_call_id":"call_1","content":"x"}]}"#);
        assert_eq!(parsed.correlating_tool_call_id.as_deref(), Some("call_1"));
        assert_eq!((parsed.prompt, parsed.model.as_deref()), (None, Some("m")));
        let parsed = parse(r#"{"messages":[{"role":"user","tool_call_id":"call_1","content":"x"}]}"#);
        assert_eq!(parsed.correlating_tool_call_id, None);
    }

    #[test]
    fn the_edit_makes_a_stream_report_its_usage() {
        let table = [
            (r#"{"stream":true}"#, Some(r#"{"stream_options":{"include_usage":true},"stream":true}"#)),
            (
                r#"{"stream":true,"stream_options":null}"#,
                Some(r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
            ),
            (
                r#"{"stream":true,"stream_options":{}}"#,
                Some(r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
            ),
            (
                r#"{"stream":true,"stream_options":{ "x" : 1 }}"#,
                Some(r#"{"stream":true,"stream_options":{"include_usage":true, "x" : 1 }}"#),
            ),
            (
                r#"{"stream_options":{"include_usage": false ,"x":1},"stream": true}"#,
                Some(r#"{"stream_options":{"include_usage": true ,"x":1},"stream": true}"#),
            ),
            (r#"{"stream":true,"stream_options":{"include_usage":true}}"#, None),
            (r#"{"stream":true,"stream_options":"odd"}"#, None),
            (r#"{"stream":false}"#, None),
            (r#"{"stream":"true"}"#, None),
            (r#"{"stream":true,"stream":false}"#, None),
        ];
        for (body, expected) in table {
            let edited = parse(body).edited.map(|payload| payload.to_bytes());
            assert_eq!(edited.as_deref(), expected.map(str::as_bytes), "{body}");
        }
    }

    #[test]
    fn a_native_usage_chunk_is_not_asked_for() {
        for body in [r#"{"stream":true}"#, r#"{"stream":true,"stream_options":{"include_usage":false}}"#] {
            assert_eq!(parse_with(body, UsageChunk::Native).edited, None, "{body}");
        }
    }
}
