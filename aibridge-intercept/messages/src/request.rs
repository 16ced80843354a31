//! Parses a Messages request.

use crate::streaming::Streaming;
use aibridge_intercept::client::Client;
use aibridge_intercept::prompt::last_text;
use aibridge_intercept::{Error, ParsedRequest, Request};
use aibridge_json::Json;

/// The start of texts that Claude Code adds to the messages of the user.
const REMINDER: &str = "<system-reminder>";

/// Parses `request`, in one pass over its body.
///
/// # Errors
///
/// [`Error::InvalidJson`] if the body is not one JSON object, [`Error::InvalidModel`] if the model name is too long.
pub fn parse_request(request: &Request) -> Result<ParsedRequest, Error> {
    let [model, stream, metadata, messages] =
        Json::object(&request.body.text, ["model", "stream", "metadata", "messages"])?;
    let content = messages.and_then(last_user_content);
    Ok(ParsedRequest {
        model: ParsedRequest::model(model)?,
        streaming: stream.is_some_and(Json::is_true),
        prompt: content.and_then(|content| last_text(content, is_written_by_the_user)),
        correlating_tool_call_id: content.and_then(last_tool_result),
        references: Vec::new(),
        client: Client::detect(&request.headers, metadata),
        edited: None,
        observer: Box::new(Streaming::default()),
    })
}

/// The content of the last message, if the user wrote it. Messages of the role `system` after it do not count.
fn last_user_content(messages: Json<'_>) -> Option<Json<'_>> {
    let mut last = messages.last_element()?.members(["role", "content"]);
    if has_role(last[0], "system") {
        let earlier =
            messages.elements().into_iter().rev().map(|message| message.members(["role", "content"]));
        last = earlier.into_iter().find(|[role, _]| !has_role(*role, "system"))?;
    }
    let [role, content] = last;
    content.filter(|_| has_role(role, "user"))
}

fn has_role(role: Option<Json<'_>>, name: &str) -> bool {
    role.is_some_and(|role| role.is_string(name))
}

fn is_written_by_the_user(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !text.starts_with(REMINDER)
}

/// The id of the tool call whose result is the last one in `content`.
fn last_tool_result(content: Json<'_>) -> Option<String> {
    let mut last = None;
    content.for_each_element(|block| {
        let [kind, id] = block.members(["type", "tool_use_id"]);
        if kind.is_some_and(|kind| kind.is_string("tool_result")) {
            last = id.and_then(Json::non_empty_string).or(last.take());
        }
    });
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_intercept::{Actor, RequestBody};
    use http::HeaderMap;

    fn parse(body: &str) -> ParsedRequest {
        let request = Request {
            route: "/v1/messages".into(),
            query: None,
            headers: HeaderMap::from_iter([(http::header::USER_AGENT, "claude-cli/2".parse().unwrap())]),
            body: RequestBody::plain(body.to_owned().into()),
            actor: Actor::anonymous(),
        };
        parse_request(&request).unwrap()
    }

    #[test]
    fn the_prompt_is_the_last_text_of_the_user() {
        let table = [
            (r#"[{"role":"user","content":"hi\n"}]"#, Some("hi\n")),
            (r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#, None),
            (r#"[{"role":"user","content":"a"},{"role":"system","content":"b"}]"#, Some("a")),
            (
                r#"[{"role":"user","content":"a"},{"role":"system","content":"b"},{"role":"system","content":"c"}]"#,
                Some("a"),
            ),
            (r#"[{"role":"system","content":"b"}]"#, None),
            (r#"[{"role":"assistant","content":"a"},{"role":"system","content":"b"}]"#, None),
            (
                r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]"#,
                Some("b"),
            ),
            (
                r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image"},
                    {"type":"text","text":" \n<system-reminder>x</system-reminder>"},{"type":"text","text":" "}]}]"#,
                Some("a"),
            ),
            (r#"[{"role":"user","content":"<system-reminder>x</system-reminder>"}]"#, None),
            (r#"[{"role":"user","content":" "}]"#, None),
            (r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}]"#, None),
            (r#"[{"role":"user","content":"lone \ud800 surrogate"}]"#, Some("lone \u{fffd} surrogate")),
            (r#"[{"role":"user","content":5}]"#, None),
            (r#"[{"role":"user"}]"#, None),
            ("[5]", None),
            ("[]", None),
            ("null", None),
        ];
        for (messages, expected) in table {
            let parsed = parse(&format!(r#"{{"messages":{messages}}}"#));
            assert_eq!(parsed.prompt.as_deref(), expected, "{messages}");
            assert_eq!((parsed.model, parsed.streaming), (None, false));
        }
    }

    #[test]
    fn the_last_tool_result_is_correlated() {
        let results = r#"{"type":"tool_result","tool_use_id":"a"},{"type":"tool_result","tool_use_id":"b"}"#;
        let table = [
            (format!(r#"[{{"role":"user","content":[{results},{{"type":"text","text":"x"}}]}}]"#), Some("b")),
            (
                format!(r#"[{{"role":"user","content":[{results}]}},{{"role":"system","content":"x"}}]"#),
                Some("b"),
            ),
            (format!(r#"[{{"role":"assistant","content":[{results}]}}]"#), None),
            (format!(r#"[{{"role":"user","content":[{results}]}},{{"role":"user","content":"x"}}]"#), None),
            (r#"[{"role":"user","content":[{"type":"tool_result"}]}]"#.to_owned(), None),
        ];
        for (messages, expected) in table {
            let parsed = parse(&format!(r#"{{"model":"m","stream":true,"messages":{messages}}}"#));
            assert_eq!(parsed.correlating_tool_call_id.as_deref(), expected, "{messages}");
            assert_eq!((parsed.model.as_deref(), parsed.streaming), (Some("m"), true));
        }
    }

    #[test]
    fn the_user_id_contains_the_session() {
        let parsed = parse(r#"{"metadata":{"user_id":"user_1_account__session_abc"},"messages":[]}"#);
        assert_eq!(parsed.client.session_id.as_deref(), Some("abc"));
    }
}
