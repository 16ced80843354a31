//! Tokens spent, from `usage`.

use aibridge_intercept::json::Json;
use aibridge_intercept::observer::Usage;
use std::collections::BTreeMap;

/// Reads `usage`; `None` if it is not an object.
pub(crate) fn read(usage: Json<'_>) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let [prompt, completion, prompt_details, completion_details] = usage.members([
        "prompt_tokens",
        "completion_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    ]);
    let [cached, prompt_audio] =
        prompt_details.map(|d| d.members(["cached_tokens", "audio_tokens"])).unwrap_or_default();
    let [audio, reasoning, accepted, rejected] = completion_details
        .map(|details| {
            details.members([
                "audio_tokens",
                "reasoning_tokens",
                "accepted_prediction_tokens",
                "rejected_prediction_tokens",
            ])
        })
        .unwrap_or_default();
    let count = |json: Option<Json<'_>>| json.and_then(Json::integer);
    let cached = count(cached).unwrap_or(0);
    let extra: BTreeMap<String, i64> = [
        ("prompt_audio", prompt_audio),
        ("completion_audio", audio),
        ("completion_reasoning", reasoning),
        ("completion_accepted_prediction", accepted),
        ("completion_rejected_prediction", rejected),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), count(value)?)))
    .collect();
    Some(Usage {
        input: count(prompt).unwrap_or(0).saturating_sub(cached).max(0),
        output: count(completion).unwrap_or(0),
        cache_read: cached,
        extra,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_not_input() {
        let json = br#"{"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":60,"audio_tokens":1},
            "completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":0,"accepted_prediction_tokens":4,"rejected_prediction_tokens":5}}"#;
        let usage = read(Json::parse(json).unwrap()).unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read), (40, 7, 60));
        let extra: Vec<_> = usage.extra.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(
            extra,
            [
                ("completion_accepted_prediction", 4),
                ("completion_audio", 0),
                ("completion_reasoning", 3),
                ("completion_rejected_prediction", 5),
                ("prompt_audio", 1),
            ]
        );
    }

    #[test]
    fn odd_usage_is_read_as_far_as_it_goes() {
        for (json, expected) in [
            (r#"{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}"#, Some((0, 0, 9))),
            (
                r#"{"prompt_tokens":"5","completion_tokens":2.0,"prompt_tokens_details":null}"#,
                Some((0, 2, 0)),
            ),
            ("{}", Some((0, 0, 0))),
            ("null", None),
            ("[]", None),
        ] {
            let usage = read(Json::parse(json.as_bytes()).unwrap());
            assert_eq!(usage.map(|u| (u.input, u.output, u.cache_read)), expected, "{json}");
        }
    }
}
