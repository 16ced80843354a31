//! A blocking response, and the `response` of a stream's terminal event: the same object.

use crate::items::Items;
use crate::objects;
use aibridge_intercept::observer::Ending;
use aibridge_intercept::usage::{ExtraNames, UsageCounter};
use aibridge_intercept::{ResponseSummary, budget, in_band};
use aibridge_json::{Json, LenientText};

/// How the further counts of a response are called in its record.
pub(crate) const EXTRA: ExtraNames = ExtraNames {
    prompt_audio: None,
    output_audio: None,
    reasoning: Some("output_reasoning"),
    accepted_prediction: None,
    rejected_prediction: None,
};

/// What `body` contains. A body that is no JSON object is a failure.
pub fn learn(body: &[u8]) -> ResponseSummary {
    let text = LenientText::new(body);
    let Some(response) = text.json().filter(|json| json.is_object()) else {
        return ResponseSummary { ending: Ending::Failed, ..ResponseSummary::default() };
    };
    let [id, kind, status, usage, output] = response.members(["id", "type", "status", "usage", "output"]);
    let is = |json: Option<Json<'_>>, text| json.is_some_and(|json| json.is_string(text));
    let failed = in_band::is_error(response) || is(status, "failed") || is(kind, "error");
    let (mut counter, mut items) = (UsageCounter::default(), Items::default());
    counter.read(usage);
    if let Some(output) = output {
        items.read_all(output);
    }
    ResponseSummary {
        response_id: id.and_then(Json::non_empty_string).map(budget::response_id),
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
    fn how_a_response_ended() {
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
            assert_eq!(learn(body.as_bytes()).ending, expected, "{body}");
        }
    }

    #[test]
    fn usage_is_that_of_the_record() {
        let body = br#"{"usage":{"input_tokens":12033,"input_tokens_details":{"cached_tokens":11904,"audio_tokens":1},
            "output_tokens":44,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":12077,"cost":0.5}}"#;
        let usage = learn(body).usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read), (129, 44, 11904));
        let extra: Vec<_> = usage.extra.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(extra, [("output_reasoning", 3), ("total_tokens", 12077)]);
        assert_eq!(usage.cost.as_deref(), Some("0.5"));
    }
}
