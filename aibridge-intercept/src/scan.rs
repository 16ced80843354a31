//! A cheap look at an event before it is read: most events of a stream hold nothing that is recorded.

use memchr::memmem::Finder;

/// What makes a JSON text worth reading: one of some words.
///
/// It may say yes when there is nothing, but never no when there is something: a text with escapes that could spell
/// a word differently is always worth reading.
#[derive(Debug)]
pub struct Interest {
    words: Vec<Finder<'static>>,
}

/// `"` and everything else in a name may be spelt so (RFC 8259 §7).
const ESCAPE: &str = r"\u";

impl Interest {
    /// Interest in `words`, each a member's name or a string value without its quotes, in plain ASCII.
    pub fn new(words: &[&str]) -> Self {
        let quoted = words.iter().map(|word| format!("\"{word}\"")).chain([ESCAPE.to_owned()]);
        Self { words: quoted.map(|word| Finder::new(&word).into_owned()).collect() }
    }

    /// Whether `text` is worth reading. A member that is `null` is as good as none.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let is_told = |word: &Finder<'_>, at: usize| !is_null_behind(&text[at + word.needle().len()..]);
        self.words.iter().any(|word| word.find_iter(text).any(|at| is_told(word, at)))
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
