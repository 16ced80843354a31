//! A cheap look at an event before it is read: most events of a stream hold nothing that is recorded.

use wide::u8x16;

/// How many places are looked at together.
const LANES: usize = 16;

/// What makes a JSON text worth reading: one of some words.
///
/// It may say yes when there is nothing, but never no when there is something: a text with escapes that could spell
/// a word differently is always worth reading.
#[derive(Debug)]
pub struct Interest {
    /// With the quote behind them, without the one before.
    words: Vec<Vec<u8>>,
    /// Their first bytes, each once: most of what is quoted begins with another.
    firsts: Vec<u8>,
}

impl Interest {
    /// Interest in `words`, each a member's name or a string value without its quotes, in plain ASCII.
    pub fn new(words: &[&str]) -> Self {
        let words: Vec<Vec<u8>> = words.iter().map(|word| format!("{word}\"").into_bytes()).collect();
        let mut firsts: Vec<u8> = words.iter().map(|word| word[0]).collect();
        firsts.sort_unstable();
        firsts.dedup();
        Self { words, firsts }
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
        behind.any(|behind| !is_null_behind(behind))
    }
}

/// Whether a name is followed by `: null`.
fn is_null_behind(rest: &[u8]) -> bool {
    let value = rest.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
    value.is_some_and(|value| value.starts_with(b"null"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_found_wherever_it_stands(before in "[ a-z\":,]{0,40}", behind in "[ a-z\":,]{0,40}") {
            let interest = Interest::new(&["usage", "error", "response.completed"]);
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
    fn words_are_found_however_they_are_spelt() {
        let interest = Interest::new(&["usage", "response.completed"]);
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
