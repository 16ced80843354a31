//! Conversion of texts and maps to values that both databases can store.

use aibridge_recorder::{ExtraValue, ReasoningSource, TokenUsage};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `text` with NUL replaced by U+FFFD. PostgreSQL refuses NUL, and many tools that read SQLite stop at it.
pub fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// `entries` as a JSON object, all texts storable.
pub(crate) fn json_of_texts(entries: &BTreeMap<String, String>) -> String {
    json(entries.iter().map(|(name, text)| (name, storable(text).into())))
}

/// The extra counts and properties of a usage as a JSON object, with the `cost` in the spelling of the provider if there is
/// one.
pub(crate) fn extra_token_types(usage: &TokenUsage) -> String {
    let value = |value: &ExtraValue| match value {
        ExtraValue::Count(count) => (*count).into(),
        ExtraValue::Text(text) => storable(text).into(),
    };
    let counts = json(usage.extra_token_types.iter().map(|(name, extra)| (name, value(extra))));
    match &usage.cost {
        None => counts,
        Some(cost) if counts == "{}" => format!("{{\"cost\":{cost}}}"),
        Some(cost) => format!("{{\"cost\":{cost},{}", &counts[1..]),
    }
}

/// The `metadata` column of a row whose text may be truncated.
pub(crate) fn metadata(source: Option<ReasoningSource>, truncated: bool) -> Value {
    let source = source.map(|source| ("source".to_owned(), source.as_str().into()));
    let truncated = truncated.then(|| ("truncated".to_owned(), true.into()));
    Value::Object(source.into_iter().chain(truncated).collect())
}

fn json<'a>(entries: impl Iterator<Item = (&'a String, Value)>) -> String {
    Value::Object(entries.map(|(name, value)| (storable(name).into_owned(), value)).collect::<Map<_, _>>())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_recorder::UsageCost;
    use jiff::Timestamp;
    use uuid::Uuid;

    #[test]
    fn nul_alone_is_replaced() {
        let table = [
            ("", ""),
            ("plain", "plain"),
            ("\0", "\u{fffd}"),
            ("a\0\0b\0", "a\u{fffd}\u{fffd}b\u{fffd}"),
            ("\u{1}\t\r\n\u{7f}\u{85}\u{2028}", "\u{1}\t\r\n\u{7f}\u{85}\u{2028}"),
            ("\\u0000", "\\u0000"),
        ];
        for (text, expected) in table {
            assert_eq!(storable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn json_holds_no_nul_in_names_or_values() {
        let texts = BTreeMap::from([("a\0".to_owned(), "b\0\"".to_owned()), ("z".to_owned(), String::new())]);
        assert_eq!(json_of_texts(&texts), "{\"a\u{fffd}\":\"b\u{fffd}\\\"\",\"z\":\"\"}");
    }

    #[test]
    fn the_cost_keeps_the_spelling_of_the_provider() {
        let counts = BTreeMap::from([("n\0".to_owned(), i64::MAX.into()), ("t".to_owned(), "a\0".into())]);
        for (counts, cost, expected) in [
            (counts.clone(), None, "{\"n\u{fffd}\":9223372036854775807,\"t\":\"a\u{fffd}\"}"),
            (
                counts,
                Some("1.250e-03"),
                "{\"cost\":1.250e-03,\"n\u{fffd}\":9223372036854775807,\"t\":\"a\u{fffd}\"}",
            ),
            (BTreeMap::new(), Some("0"), "{\"cost\":0}"),
            (BTreeMap::new(), None, "{}"),
        ] {
            let usage = TokenUsage {
                id: Uuid::nil(),
                interception_id: Uuid::nil(),
                provider_response_id: None,
                input_tokens: 0,
                output_tokens: 0,
                cache_read_input_tokens: 0,
                cache_write_input_tokens: 0,
                extra_token_types: counts,
                cost: cost.map(str::to_owned),
                charged: UsageCost::default(),
                created_at: Timestamp::UNIX_EPOCH,
            };
            assert_eq!(extra_token_types(&usage), expected);
        }
    }

    #[test]
    fn metadata_marks_truncated_texts() {
        let source = Some(ReasoningSource::Thinking);
        assert_eq!(metadata(source, false).to_string(), r#"{"source":"thinking"}"#);
        assert_eq!(metadata(source, true).to_string(), r#"{"source":"thinking","truncated":true}"#);
        assert_eq!(metadata(None, true).to_string(), r#"{"truncated":true}"#);
        assert_eq!(metadata(None, false).to_string(), "{}");
    }
}
