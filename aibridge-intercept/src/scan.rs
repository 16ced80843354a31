//! A cheap look at an event before it is read: most events of a stream hold nothing that is recorded.

use memchr::memmem::Finder;
use wide::u8x16;

/// How many places are looked at together.
const LANES: usize = 16;

/// What makes a JSON text worth reading: one of some words.
///
/// It may say yes when there is nothing, but never no when there is something: a text with escapes that could spell
/// a word differently is always worth reading.
#[derive(Debug)]
pub struct Prefilter {
    /// With the quote behind them, without the one before.
    words: Vec<Vec<u8>>,
    /// Their first bytes, each once: most of what is quoted begins with another.
    firsts: Vec<u8>,
    /// The member that is not worth reading if it is 0, after its first quote.
    unless_zero: Option<Vec<u8>>,
}

impl Prefilter {
    /// Interest in `words`, each a member's name or a string value without its quotes, in plain ASCII.
    pub fn new(words: &[&str]) -> Self {
        let words = words.iter().map(|word| format!("{word}\"").into_bytes()).collect();
        Self { words, firsts: Vec::new(), unless_zero: None }.with_firsts()
    }

    /// Interest in the member `name` as well, unless its value is 0 or `null`.
    #[must_use]
    pub fn unless_zero(self, name: &str) -> Self {
        Self { unless_zero: Some(format!("{name}\"").into_bytes()), ..self }.with_firsts()
    }

    fn with_firsts(mut self) -> Self {
        self.firsts = self.words.iter().chain(&self.unless_zero).map(|word| word[0]).collect();
        self.firsts.sort_unstable();
        self.firsts.dedup();
        self
    }

    /// Whether `text` is worth reading. A member that is `null` is as good as none.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let mut at = 0;
        while let Some(window) = text[at..].first_chunk::<{ LANES + 1 }>() {
            let mut places = self.places(window);
            while places != 0 {
                if self.begins(&text[at + places.trailing_zeros() as usize..]) {
                    return true;
                }
                places &= places - 1;
            }
            at += LANES;
        }
        (at..text.len()).any(|at| self.begins(&text[at..]))
    }

    /// Where a word or an escape may begin among all but the last byte of `window`: a bit each.
    fn places(&self, window: &[u8; LANES + 1]) -> u32 {
        let lanes = |from: usize| window[from..].first_chunk().copied().map(u8x16::from).unwrap_or_default();
        let (here, behind) = (lanes(0), lanes(1));
        let is = |lanes: u8x16, byte| lanes.simd_eq(u8x16::splat(byte));
        let first = self.firsts.iter().fold(u8x16::ZERO, |any, first| any | is(behind, *first));
        (is(here, b'"') & first | is(here, b'\\') & is(behind, b'u')).to_bitmask()
    }

    /// Whether `text` begins with a word that is told, or with what may spell one: `"` and everything else in a name may
    /// be spelt `\u…` (RFC 8259 §7).
    fn begins(&self, text: &[u8]) -> bool {
        let Some(quoted) = text.strip_prefix(b"\"") else { return text.starts_with(b"\\u") };
        let may_be = |word: &&Vec<u8>| quoted.get(..2) == word.get(..2); // spares most of the longer comparisons
        let mut behind = self.words.iter().filter(may_be).filter_map(|word| quoted.strip_prefix(&word[..]));
        if behind.any(|behind| !value_behind(behind).is_some_and(|value| value.starts_with(b"null"))) {
            return true;
        }
        let unless_zero = self.unless_zero.as_ref().and_then(|word| quoted.strip_prefix(&word[..]));
        unless_zero.is_some_and(|behind| !value_behind(behind).is_some_and(is_zero))
    }
}

/// What follows the colon after a name.
fn value_behind(name: &[u8]) -> Option<&[u8]> {
    name.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
}

fn is_zero(value: &[u8]) -> bool {
    value.starts_with(b"null") || matches!(value, [b'0', b',' | b'}' | b' ' | b'\n' | b'\r', ..] | [b'0'])
}

/// Measures the string of a member without reading the text around it.
#[derive(Debug)]
pub struct StringLength(Finder<'static>);

impl StringLength {
    /// `quoted_name` is the member's name in its quotes.
    pub fn new(quoted_name: &'static str) -> Self {
        Self(Finder::new(quoted_name))
    }

    /// About how many characters the strings of these members in `text` have: escapes count as they are spelt.
    pub fn sum(&self, text: &[u8]) -> u64 {
        let mut sum = 0;
        let mut rest = text;
        while let Some(at) = self.0.find(rest) {
            rest = &rest[at + self.0.needle().len()..];
            let Some(string) = value_behind(rest).and_then(|value| value.strip_prefix(b"\"")) else {
                continue;
            };
            let end = string_end(string);
            sum += characters(&string[..end]);
            rest = &string[end..];
        }
        sum
    }
}

/// How many characters UTF-8 text has.
pub fn characters(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64
}

/// Where a string ends, of which `text` is what follows the first quote.
fn string_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_found_wherever_it_stands(before in "[ a-z\":,]{0,40}", behind in "[ a-z\":,]{0,40}") {
            let interest = Prefilter::new(&["usage", "error", "response.completed"]);
            let is_in = |text: &str| interest.is_in(text.as_bytes());
            for told in ["\"usage\"", "\"error\":1", "\"response.completed\"", "\\u"] {
                let told_here = format!("{before}{told} {behind}");
                prop_assert!(is_in(&told_here), "{}", told_here);
            }
            let nothing = format!("{before}\"error\":null, {behind}");
            prop_assert!(!is_in(&nothing), "{}", nothing);
        }
    }

    #[test]
    fn a_member_may_be_worth_reading_unless_it_is_zero() {
        let interest = Prefilter::new(&["usage"]).unless_zero("index");
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
            assert_eq!(interest.is_in(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn strings_are_measured_where_they_stand() {
        let content = StringLength::new("\"content\"");
        for (text, expected) in [
            (r#"{"delta":{"content":"four"}}"#, 4),
            (r#"{"content" : "äöü€"}"#, 4),
            (r#"{"content":"a\"b\\"}"#, 6),
            (r#"[{"content":"ab"},{"content":"c"},{"content":null}]"#, 3),
            (r#"{"content":"content\":\"x"}"#, 13),
            (r#"{"content":"cut"#, 3),
            (r#"{"content":"cut\"#, 4),
            (r#"{"content""#, 0),
            ("", 0),
        ] {
            assert_eq!(content.sum(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn words_are_found_however_they_are_spelt() {
        let interest = Prefilter::new(&["usage", "response.completed"]);
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
            assert_eq!(interest.is_in(text.as_bytes()), expected, "{text}");
        }
    }
}
