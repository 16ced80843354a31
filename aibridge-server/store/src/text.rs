use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `text` as a database can hold it: with U+FFFD for NUL, which PostgreSQL refuses and at which many a tool that
/// reads SQLite stops.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The object `entries` as JSON, all text storable.
pub(crate) fn json_of_texts(entries: &BTreeMap<String, String>) -> String {
    json(entries.iter().map(|(name, text)| (name, storable(text).into())))
}

/// The object `entries` as JSON, all text storable.
pub(crate) fn json_of_counts(entries: &BTreeMap<String, i64>) -> String {
    json(entries.iter().map(|(name, count)| (name, (*count).into())))
}

fn json<'a>(entries: impl Iterator<Item = (&'a String, Value)>) -> String {
    Value::Object(entries.map(|(name, value)| (storable(name).into_owned(), value)).collect::<Map<_, _>>())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let counts = BTreeMap::from([("n\0".to_owned(), i64::MAX)]);
        assert_eq!(json_of_counts(&counts), "{\"n\u{fffd}\":9223372036854775807}");
        assert_eq!(json_of_counts(&BTreeMap::new()), "{}");
    }
}
