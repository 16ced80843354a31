//! What a request asks.

use crate::ChatCompletion;
use aibridge_intercept::client::Client;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::{Error, ParsedRequest, Request};
use aibridge_json::{Edit, Json};
use std::borrow::Cow;

/// Reads `request`, in one pass over its body.
///
/// A stream is made to tell its usage: `stream_options.include_usage` becomes `true` unless it is, and the observer
/// withholds the usage chunk that the client then did not ask for.
///
/// # Errors
///
/// [`Error::InvalidJson`] if the body is not one JSON object, [`Error::InvalidModel`] if its model name is too long.
pub fn read(request: &Request) -> Result<ParsedRequest, Error> {
    let body = &request.body.text;
    let [model, stream, stream_options, metadata, messages] =
        Json::object(body, ["model", "stream", "stream_options", "metadata", "messages"])?;
    let streaming = stream.is_some_and(Json::is_true);
    let edit = if streaming { include_usage(body, stream_options) } else { None };
    let last = messages.and_then(Json::last_element);
    let [role, content, tool_call_id] =
        last.map(|last| last.members(["role", "content", "tool_call_id"])).unwrap_or_default();
    let role = role.and_then(Json::string);
    let is = |name| role.as_deref() == Some(name);
    Ok(ParsedRequest {
        model: ParsedRequest::model(model)?,
        streaming,
        prompt: content.filter(|_| is("user")).and_then(prompt),
        correlating_tool_call_id: tool_call_id.filter(|_| is("tool")).and_then(Json::non_empty_string),
        references: Vec::new(),
        client: Client::detect(&request.headers, metadata),
        observer: Box::new(ChatCompletion::new(edit.is_some())),
        edited: edit.map(|edit| Payload::edited(body, vec![edit])),
    })
}

/// A message's string content, or its last `text` part.
fn prompt(content: Json<'_>) -> Option<String> {
    if let Some(text) = content.string() {
        return Some(Cow::into_owned(text)).filter(|text| !text.is_empty());
    }
    let mut last = None;
    content.for_each_element(|part| {
        let [kind, text] = part.members(["type", "text"]);
        if kind.and_then(Json::string).as_deref() == Some("text") {
            last = text.and_then(Json::non_empty_string).or(last.take());
        }
    });
    last
}

/// The edit after which `stream_options` asks for usage; `None` if it does already, or is nothing that could.
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

    fn ask(body: &str) -> ParsedRequest {
        let body = RequestBody::plain(Bytes::copy_from_slice(body.as_bytes()));
        let request = Request {
            route: "/chat/completions".into(),
            query: None,
            headers: http::HeaderMap::new(),
            body,
            actor: Actor::anonymous(),
        };
        read(&request).unwrap()
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
            let asked = ask(&format!(r#"{{"messages":{messages}}}"#));
            assert_eq!(asked.prompt.as_deref(), expected, "{messages}");
            assert_eq!((asked.model, asked.streaming), (None, false));
        }
    }

    #[test]
    fn a_tool_message_correlates() {
        let asked =
            ask(r#"{"model":"m","messages":[{"role":"tool","tool_call_id":"call_1","content":"x"}]}"#);
        assert_eq!(asked.correlating_tool_call_id.as_deref(), Some("call_1"));
        assert_eq!((asked.prompt, asked.model.as_deref()), (None, Some("m")));
        let asked = ask(r#"{"messages":[{"role":"user","tool_call_id":"call_1","content":"x"}]}"#);
        assert_eq!(asked.correlating_tool_call_id, None);
    }

    #[test]
    fn a_stream_is_made_to_tell_its_usage() {
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
            let edited = ask(body).edited.map(|payload| payload.to_bytes());
            assert_eq!(edited.as_deref(), expected.map(str::as_bytes), "{body}");
        }
    }
}
