//! Tokens spent, from `usage`.

use aibridge_intercept::json::Json;
use aibridge_intercept::observer::Usage;

/// Reads `usage`; `None` if it is not an object.
pub(crate) fn read(usage: Json<'_>) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let [input, output, total, input_details, output_details] = usage.members([
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "input_tokens_details",
        "output_tokens_details",
    ]);
    let count = |json: Option<Json<'_>>| json.and_then(Json::integer);
    let cached = count(input_details.and_then(|details| details.member("cached_tokens"))).unwrap_or(0);
    let reasoning = output_details.and_then(|details| details.member("reasoning_tokens"));
    Some(Usage {
        input: count(input).unwrap_or(0).saturating_sub(cached).max(0),
        output: count(output).unwrap_or(0),
        cache_read: cached,
        extra: [("output_reasoning", reasoning), ("total_tokens", total)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), count(value)?)))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_not_input() {
        for (json, expected) in [
            (
                r#"{"input_tokens":12033,"input_tokens_details":{"cached_tokens":11904},"output_tokens":44,
                    "output_tokens_details":{"reasoning_tokens":3},"total_tokens":12077}"#,
                Some((129, 44, 11904, vec![("output_reasoning", 3), ("total_tokens", 12077)])),
            ),
            (r#"{"input_tokens":1,"input_tokens_details":{"cached_tokens":2}}"#, Some((0, 0, 2, vec![]))),
            (r#"{"input_tokens":null,"output_tokens_details":null}"#, Some((0, 0, 0, vec![]))),
            ("null", None),
        ] {
            let usage = read(Json::parse(json.as_bytes()).unwrap());
            let found = usage.as_ref().map(|u| {
                let extra: Vec<_> = u.extra.iter().map(|(name, count)| (name.as_str(), *count)).collect();
                (u.input, u.output, u.cache_read, extra)
            });
            assert_eq!(found, expected, "{json}");
        }
    }
}
