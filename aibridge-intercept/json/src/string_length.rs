//! Lengths of strings, measured without a scan of the text around them.

use crate::prefilter::value_after;
use memchr::memmem::Finder;

/// Measures the strings of one member without a scan of the text around them.
#[derive(Debug)]
pub struct StringLength(Finder<'static>);

impl StringLength {
    /// Measures the member `quoted_name`, a name with its quotes.
    pub fn new(quoted_name: &'static str) -> Self {
        Self(Finder::new(quoted_name))
    }

    /// The approximate number of characters of this member's strings in `text`. Each character of an escape counts.
    pub fn sum(&self, text: &[u8]) -> u64 {
        let mut sum = 0;
        let mut rest = text;
        while let Some(at) = self.0.find(rest) {
            rest = &rest[at + self.0.needle().len()..];
            let Some(string) = value_after(rest).and_then(|value| value.strip_prefix(b"\"")) else {
                continue;
            };
            let end = string_end(string);
            sum += count_characters(&string[..end]);
            rest = &string[end..];
        }
        sum
    }
}

/// The number of characters of a UTF-8 text.
pub fn count_characters(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64
}

/// The offset of the closing quote in `text`, which begins after the opening quote.
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

    #[test]
    fn measures_the_strings_of_a_member() {
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
}
