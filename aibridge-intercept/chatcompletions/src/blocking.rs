//! A blocking answer.

use crate::tools::ToolCalls;
use crate::usage;
use aibridge_intercept::Learnt;
use aibridge_intercept::json::Json;
use aibridge_intercept::observer::Ending;
use aibridge_recorder::ThoughtSource;

/// What `body` tells; nothing if it is not a JSON object.
pub fn learn(body: &[u8]) -> Learnt {
    let Ok([id, choices, usage, error]) = Json::object(body, ["id", "choices", "usage", "error"]) else {
        return Learnt::default();
    };
    let mut learnt = Learnt {
        response_id: id.and_then(Json::non_empty_string),
        usage: usage.and_then(usage::read),
        ending: if error.is_some_and(|error| !error.is_null()) { Ending::Failed } else { Ending::Complete },
        ..Learnt::default()
    };
    for choice in choices.map(Json::elements).unwrap_or_default() {
        let Some(message) = choice.member("message").map(Message::read) else { continue };
        let mut calls = ToolCalls::default();
        for entry in message.tool_calls {
            calls.read(0, entry);
            learnt.tools.append(&mut calls.finish());
        }
        learnt.thoughts.extend(message.thought.map(|text| (ThoughtSource::Thinking, text)));
    }
    learnt
}

/// What a message or a delta tells.
pub(crate) struct Message<'a> {
    pub(crate) tool_calls: Vec<Json<'a>>,
    /// The reasoning text beside the content, where a provider sends it.
    pub(crate) thought: Option<String>,
}

impl<'a> Message<'a> {
    pub(crate) fn read(message: Json<'a>) -> Self {
        let [tool_calls, reasoning_content, reasoning] =
            message.members(["tool_calls", "reasoning_content", "reasoning"]);
        let text = |json: Option<Json<'_>>| json.and_then(Json::non_empty_string);
        Self {
            tool_calls: tool_calls.map(Json::elements).unwrap_or_default(),
            thought: text(reasoning_content).or_else(|| text(reasoning)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_all_that_an_answer_tells() {
        let learnt = learn(
            br#"{"id":"chatcmpl-1","choices":[
                {"message":{"reasoning_content":"hm","tool_calls":[
                    {"id":"call_1","type":"function","function":{"name":"read","arguments":"{\"path\": \"a\"}"}},
                    {"id":"call_2","type":"function","function":{"name":"read","arguments":"not json"}}]}},
                {"message":{"content":"x","tool_calls":[
                    {"id":"call_3","type":"custom","custom":{"name":"patch","input":"*** Begin"}}]}}],
              "usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        );
        let tools: Vec<_> = learnt
            .tools
            .iter()
            .map(|t| (t.id.as_deref().unwrap(), t.name.as_str(), t.input.as_str()))
            .collect();
        assert_eq!(
            tools,
            [
                ("call_1", "read", r#"{"path": "a"}"#),
                ("call_2", "read", "not json"),
                ("call_3", "patch", "*** Begin")
            ]
        );
        assert_eq!(learnt.thoughts, [(ThoughtSource::Thinking, "hm".to_owned())]);
        assert_eq!(learnt.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)));
        assert_eq!((learnt.response_id.as_deref(), learnt.ending), (Some("chatcmpl-1"), Ending::Complete));
    }

    #[test]
    fn odd_answers_teach_nothing_and_break_nothing() {
        for body in
            ["", "<html>", "[]", "{}", r#"{"choices":5,"usage":[]}"#, r#"{"choices":[{"message":null},7]}"#]
        {
            let learnt = learn(body.as_bytes());
            assert_eq!((learnt.usage, learnt.tools.len()), (None, 0), "{body}");
        }
        assert_eq!(learn(br#"{"error":{"message":"x"}}"#).ending, Ending::Failed);
    }
}
