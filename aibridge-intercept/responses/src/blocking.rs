//! Reads a blocking response. The terminal event of a stream contains the same object.

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
    fn detects_failed_responses() {
        for (body, expected) in [
            ("{}", Ending::Complete),
            (r#"{"status":"completed","error":null}"#, Ending::Complete),
            (r#"{"status":"incomplete","error":{}}"#, Ending::Complete),
            ("\u{feff}{\"x\":NaN}\0", Ending::Complete),
            (r#"{"status":"failed"}"#, Ending::Failed),
            (r#"{"status":"completed","error":{"code":502}}"#, Ending::Failed),
            (r#"{"error":"provider died"}"#, Ending::Failed),
            (r#"{"object":"error","message":"x"}"#, Ending::Failed),
            (r#"{"type":"error","message":"x"}"#, Ending::Failed),
            (r#"[{"error":{"code":503}}]"#, Ending::Failed),
            ("", Ending::Failed),
            ("<html>", Ending::Failed),
        ] {
            assert_eq!(summarize(body.as_bytes()).ending, expected, "{body}");
        }
    }

    #[test]
    fn reads_usage_under_its_recorded_names() {
        let body = br#"{"usage":{"input_tokens":12033,"input_tokens_details":{"cached_tokens":11904,"audio_tokens":1},
            "output_tokens":44,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":12077,"cost":0.5}}"#;
        let usage = summarize(body).usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read), (129, 44, 11904));
        let extra: Vec<_> =
            usage.extra.iter().map(|(name, count)| (name.as_str(), count.count().unwrap())).collect();
        assert_eq!(extra, [("output_reasoning", 3), ("total_tokens", 12077)]);
        assert_eq!(usage.cost.as_deref(), Some("0.5"));
    }
}
