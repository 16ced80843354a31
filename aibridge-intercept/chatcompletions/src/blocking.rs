//! Reads a blocking response.

use crate::streaming::Streaming;
use aibridge_intercept::{Observer, ResponseSummary};

/// Summarizes a response body. A body other than a JSON object yields [`Ending::Failed`].
///
/// [`Ending::Failed`]: aibridge_intercept::observer::Ending::Failed
pub fn summarize(body: &[u8]) -> ResponseSummary {
    let mut reader = Streaming::new(false);
    reader.body(body);
    reader.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_intercept::observer::Ending;

    #[test]
    fn summarizes_tool_calls_reasoning_and_usage() {
        let summary = summarize(
            br#"{"id":"chatcmpl-1","choices":[
                {"message":{"reasoning_content":"hm","tool_calls":[
                    {"id":"call_1","type":"function","function":{"name":"read","arguments":"{\"path\": \"a\"}"}},
                    null,
                    {"id":"call_2","type":"function","function":{"name":"read","arguments":"not json"}},
                    {"function":{"name":"read","arguments":{"path":1.0}}},
                    {"function":{"name":"list","arguments":""}},
                    {"function":{"name":"list","arguments":""}}]}},
                {"index":1,"message":{"content":"x","function_call":{"name":"old","arguments":"{}"},"tool_calls":[
                    {"id":"call_1","type":"custom","custom":{"name":"patch","input":"*** \"Begin\""}}]}}],
              "usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        );
        let tools: Vec<_> = summary
            .tools
            .iter()
            .map(|t| (t.id.as_deref().unwrap_or_default(), t.name.as_str(), t.input.as_str()))
            .collect();
        assert_eq!(
            tools,
            [
                ("call_1", "read", r#"{"path": "a"}"#),
                ("call_2", "read", "not json"),
                ("", "read", r#"{"path":1.0}"#),
                ("", "list", ""),
                ("", "list", ""),
                ("call_1", "patch", r#""*** \"Begin\"""#),
                ("", "old", "{}"),
            ]
        );
        assert_eq!(summary.reasoning.len(), 1);
        assert_eq!(summary.reasoning[0].text, "hm");
        assert_eq!(summary.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)));
        assert_eq!((summary.response_id.as_deref(), summary.ending), (Some("chatcmpl-1"), Ending::Complete));
    }

    #[test]
    fn detects_failed_responses() {
        for (body, expected) in [
            ("{}", Ending::Complete),
            (r#"{"choices":5,"usage":[]}"#, Ending::Complete),
            (r#"{"choices":[{"message":null},7]}"#, Ending::Complete),
            (r#"{"choices":[{"finish_reason":"length"}],"error":null}"#, Ending::Complete),
            ("{\"x\":NaN,\"choices\":[]}\0", Ending::Complete),
            ("", Ending::Failed),
            ("\0", Ending::Failed),
            ("<html>", Ending::Failed),
            ("{\"usage\":", Ending::Failed),
            ("[]", Ending::Failed),
            (r#"[{"error":{"code":503}}]"#, Ending::Failed),
            (r#"{"error":{"message":"x"}}"#, Ending::Failed),
            (r#"{"object":"error","message":"x"}"#, Ending::Failed),
            (r#"{"choices":[{"finish_reason":"error"}]}"#, Ending::Failed),
            (r#"{"choices":[{"finish_reason":"stop"},{"error":{"code":502}}]}"#, Ending::Failed),
        ] {
            let summary = summarize(body.as_bytes());
            assert_eq!((summary.ending, summary.usage, summary.tools.len()), (expected, None, 0), "{body}");
        }
    }
}
