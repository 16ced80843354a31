//! Reads a blocking response. The terminal event of a stream contains the same object.

use crate::items::Items;
use crate::objects;
use aibridge_intercept::observer::Ending;
use aibridge_intercept::usage::{ExtraNames, UsageCounter};
use aibridge_intercept::{ResponseSummary, budget, in_band};
use aibridge_json::{Json, LenientText};

/// The recorded names of the other counts of a response.
pub(crate) const EXTRA: ExtraNames = ExtraNames {
    prompt_audio: None,
    output_audio: None,
    reasoning: Some("output_reasoning"),
    accepted_prediction: None,
    rejected_prediction: None,
};

/// Summarizes a response body. A body other than a JSON object yields [`Ending::Failed`].
pub fn summarize(body: &[u8]) -> ResponseSummary {
    let text = LenientText::new(body);
    let Some(response) = text.json().filter(|json| json.is_object()) else {
        return ResponseSummary { ending: Ending::Failed, ..ResponseSummary::default() };
    };
    let [id, model, kind, status, usage, output] =
        response.members(["id", "model", "type", "status", "usage", "output"]);
    let equals = |json: Option<Json<'_>>, text| json.is_some_and(|json| json.is_string(text));
    let failed = in_band::is_error(response) || equals(status, "failed") || equals(kind, "error");
    let (mut counter, mut items) = (UsageCounter::default(), Items::default());
    counter.read(usage);
    if let Some(output) = output {
        items.read_all(output);
    }
    ResponseSummary {
        response_id: id.and_then(Json::non_empty_string).map(budget::identifier),
        model: model.and_then(Json::non_empty_string).map(budget::identifier),
        objects: objects::of_response(response),
        usage: counter.finish(&EXTRA),
        tools: items.tools,
        reasoning: items.reasoning,
        ending: if failed { Ending::Failed } else { Ending::Complete },
        characters: items.characters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
