//! Reads a blocking response.

use crate::streaming::Streaming;
use aibridge_intercept::{Observer, ResponseSummary};

/// Summarizes a response body. A body other than a JSON object yields [`Ending::Failed`].
///
/// [`Ending::Failed`]: aibridge_intercept::observer::Ending::Failed
pub fn summarize(body: &[u8]) -> ResponseSummary {
    let mut reader = Streaming::default();
    reader.body(body);
    reader.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_intercept::observer::Ending;

    #[test]
    fn summarizes_a_message() {
        let summary = summarize(
            br#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
                {"type":"thinking","thinking":"hm","signature":"s"},
                {"type":"redacted_thinking","data":"x"},
                {"type":"text","text":"four"},
                {"type":"tool_use","id":"toolu_1","name":"read","input":{"path": "a"}},
                {"type":"server_tool_use","id":"srv_1","name":"web_search","input":{"query":"q"}},
                {"type":"web_search_tool_result","tool_use_id":"srv_1","content":[]},
                {"type":"mcp_tool_use","id":"mcp_1","name":"echo","server_name":"files","input":{}},
                {"type":"later","x":1}],
              "stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":4}}"#,
        );
        let tools: Vec<_> = summary
            .tools
            .iter()
            .map(|t| (t.id.as_deref().unwrap(), t.name.as_str(), t.input.as_str(), t.server_url.as_deref()))
            .collect();
        assert_eq!(
            tools,
            [
                ("toolu_1", "read", r#"{"path": "a"}"#, None),
                ("srv_1", "web_search", r#"{"query":"q"}"#, None),
                ("mcp_1", "echo", "{}", Some("files")),
            ]
        );
        assert_eq!(summary.reasoning.iter().map(|text| &*text.text).collect::<Vec<_>>(), ["hm"]);
        assert_eq!(
            (summary.response_id.as_deref(), summary.model.as_deref()),
            (Some("msg_1"), Some("claude-x"))
        );
        assert_eq!(summary.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)));
        assert_eq!(summary.ending, Ending::Complete);
    }

    #[test]
    fn detects_failed_responses() {
        for (body, expected) in [
            ("{}", Ending::Complete),
            (r#"{"type":"message","error":null}"#, Ending::Complete),
            (r#"{"type":"message","stop_reason":"refusal"}"#, Ending::Complete),
            ("\u{feff}{\"x\":NaN}\0", Ending::Complete),
            (r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#, Ending::Failed),
            (r#"{"type":"error","error":{}}"#, Ending::Failed),
            (r#"{"type":"message","error":"x"}"#, Ending::Failed),
            (r#"{"type":"message","stop_reason":"error"}"#, Ending::Failed),
            (r#"{"object":"error","message":"x"}"#, Ending::Failed),
            (r#"[{"error":{"code":503}}]"#, Ending::Failed),
            ("", Ending::Failed),
            ("\0", Ending::Failed),
            ("[]", Ending::Failed),
            ("<html>", Ending::Failed),
        ] {
            assert_eq!(summarize(body.as_bytes()).ending, expected, "{body}");
        }
    }
}
