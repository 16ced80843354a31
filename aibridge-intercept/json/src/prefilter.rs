//! A cheap test of a JSON text before a scan: most events of a stream contain nothing of interest.

use wide::u8x16;

/// Positions that are compared at once.
const LANES: usize = 16;

/// Decides whether a JSON text is worth a scan because it contains one of some words.
///
/// It has false positives but no false negatives: a text with escapes that could spell a word differently always
/// matches.
#[derive(Debug)]
pub struct Prefilter {
    /// The words with their closing quote, without the opening one.
    words: Vec<Vec<u8>>,
    /// The distinct first bytes of the words. Most quoted texts begin with another byte.
    first_bytes: Vec<u8>,
    /// The member that matches unless its value is 0, after its opening quote.
    nonzero_member: Option<Vec<u8>>,
}

impl Prefilter {
    /// Matches texts that contain one of `words`: each a member's name or a string value, without quotes, in ASCII.
    pub fn new(words: &[&str]) -> Self {
        let words = words.iter().map(|word| format!("{word}\"").into_bytes()).collect();
        Self { words, first_bytes: Vec::new(), nonzero_member: None }.with_first_bytes()
    }

    /// Matches the member `name` as well, unless its value is 0 or `null`.
    #[must_use]
    pub fn or_nonzero(self, name: &str) -> Self {
        Self { nonzero_member: Some(format!("{name}\"").into_bytes()), ..self }.with_first_bytes()
    }

    fn with_first_bytes(mut self) -> Self {
        self.first_bytes = self.words.iter().chain(&self.nonzero_member).map(|word| word[0]).collect();
        self.first_bytes.sort_unstable();
        self.first_bytes.dedup();
        self
    }

    /// Whether `text` is worth a scan. A member whose value is `null` counts as absent.
    pub fn matches(&self, text: &[u8]) -> bool {
        let mut at = 0;
        while let Some(window) = text[at..].first_chunk::<{ LANES + 1 }>() {
            let mut candidates = self.candidates(window);
            while candidates != 0 {
                if self.matches_start(&text[at + candidates.trailing_zeros() as usize..]) {
                    return true;
                }
                candidates &= candidates - 1;
            }
            at += LANES;
        }
        (at..text.len()).any(|at| self.matches_start(&text[at..]))
    }

    /// One bit for each byte of `window` but the last: whether a word or an escape may begin there.
    fn candidates(&self, window: &[u8; LANES + 1]) -> u32 {
        let lanes = |from: usize| window[from..].first_chunk().copied().map(u8x16::from).unwrap_or_default();
        let (current, next) = (lanes(0), lanes(1));
        let is = |lanes: u8x16, byte| lanes.simd_eq(u8x16::splat(byte));
        let first = self.first_bytes.iter().fold(u8x16::ZERO, |any, first| any | is(next, *first));
        (is(current, b'"') & first | is(current, b'\\') & is(next, b'u')).to_bitmask()
    }

    /// Whether `text` begins with a word, or with an escape that may be part of one: every character of a name may be
    /// written as `\u…` (RFC 8259 §7).
    fn matches_start(&self, text: &[u8]) -> bool {
        let Some(quoted) = text.strip_prefix(b"\"") else { return text.starts_with(b"\\u") };
        let may_match = |word: &&Vec<u8>| quoted.get(..2) == word.get(..2); // avoids most of the longer comparisons
        let mut after = self.words.iter().filter(may_match).filter_map(|word| quoted.strip_prefix(&word[..]));
        if after.any(|after| !value_after(after).is_some_and(|value| value.starts_with(b"null"))) {
            return true;
        }
        let after_nonzero = self.nonzero_member.as_ref().and_then(|word| quoted.strip_prefix(&word[..]));
        after_nonzero.is_some_and(|after| !value_after(after).is_some_and(is_zero))
    }
}

/// The text after the colon that follows a name; `None` without a colon.
pub(crate) fn value_after(name: &[u8]) -> Option<&[u8]> {
    name.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
}

fn is_zero(value: &[u8]) -> bool {
    value.starts_with(b"null") || matches!(value, [b'0', b',' | b'}' | b' ' | b'\n' | b'\r', ..] | [b'0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_a_word_at_any_position(before in "[ a-z\":,]{0,40}", after in "[ a-z\":,]{0,40}") {
            let prefilter = Prefilter::new(&["usage", "error", "response.completed"]);
            let matches = |text: &str| prefilter.matches(text.as_bytes());
            for word in ["\"usage\"", "\"error\":1", "\"response.completed\"", "\\u"] {
                let text = format!("{before}{word} {after}");
                prop_assert!(matches(&text), "{}", text);
            }
            let absent = format!("{before}\"error\":null, {after}");
            prop_assert!(!matches(&absent), "{}", absent);
        }
    }

    #[test]
    fn matches_a_member_unless_it_is_zero() {
        let prefilter = Prefilter::new(&["usage"]).or_nonzero("index");
        for (text, expected) in [
            (r#"{"choices":[{"index":0,"delta":{}}]}"#, false),
            (r#"{"choices":[{"delta":{},"index" : 0 }]}"#, false),
            (r#"{"choices":[{"index":null}]}"#, false),
            (r#"{"choices":[{"index":1,"delta":{}}]}"#, true),
            (r#"{"choices":[{"index":0},{"index":10}]}"#, true),
            (r#"{"choices":[{"index":"0"}]}"#, true),
            (r#"{"choices":[{"index":0.0}]}"#, true),
            (r#"{"choices":[{"delta":{"content":"\"index\":1"}}]}"#, false),
            (r#"{"index":0,"usage":{}}"#, true),
        ] {
            assert_eq!(prefilter.matches(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn finds_words_in_any_spelling() {
        let prefilter = Prefilter::new(&["usage", "response.completed"]);
        for (text, expected) in [
            (r#"{"id":"1","choices":[]}"#, false),
            (r#"{"usage":{}}"#, true),
            (r#"{"usage":null}"#, false),
            ("{\"usage\" :\r\n null}", false),
            (r#"{"usage":null,"usage":{}}"#, true),
            (r#"{"us\u0061ge":{}}"#, true),
            (r#"{"content":"a \"usage\" b"}"#, false),
            (r#"{"content":"\"usage"}"#, true),
            (r#"{"type":"response.completed"}"#, true),
            (r#"{"usage_of":1,"my usage":1}"#, false),
            (r#"{"usage"#, false),
            (r#"{"usage""#, true),
            ("", false),
        ] {
            assert_eq!(prefilter.matches(text.as_bytes()), expected, "{text}");
        }
    }
}
