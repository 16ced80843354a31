//! Finds the end of a JSON value by its brackets and quotes alone, without checking that the value is valid.

use serde::de::IgnoredAny;

/// The longest value without brackets or quotes that counts as JSON, in bytes.
const LONGEST_SCALAR: usize = 64;

/// Finds the end of a value that arrives in slices and begins with a bracket or a quote.
#[derive(Debug, Default)]
pub struct ValueEnd {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl ValueEnd {
    /// Reads the next slice. Returns the offset in `bytes` after the value's last byte, or `None` if the value
    /// continues.
    pub fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.is_escaped) {
                at += 1;
                continue;
            }
            if self.in_string {
                at += memchr::memchr2(b'"', b'\\', &bytes[at..])? + 1;
                match bytes[at - 1] {
                    b'\\' => self.is_escaped = true,
                    _ => self.in_string = false,
                }
            } else {
                at += 1;
                match bytes[at - 1] {
                    b'"' => {
                        self.in_string = true;
                        continue;
                    }
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => continue,
                }
            }
            if self.depth == 0 && !self.in_string {
                return Some(at);
            }
        }
        None
    }
}

/// Whether a text in two parts is one complete JSON value by its brackets and quotes. `[DONE]` counts as one.
pub fn is_complete(parts: [&[u8]; 2]) -> bool {
    let [first, second] = match parts {
        [first, second] if first.trim_ascii_start().is_empty() => [second.trim_ascii_start(), &[]],
        [first, second] => [first.trim_ascii_start(), second],
    };
    if !matches!(first.first(), Some(b'{' | b'[' | b'"')) {
        return is_scalar(&[first, second]);
    }
    let mut end = ValueEnd::default();
    match end.find(first) {
        Some(at) => is_blank(&first[at..]) && is_blank(second),
        None => end.find(second).is_some_and(|at| is_blank(&second[at..])),
    }
}

fn is_scalar(parts: &[&[u8]; 2]) -> bool {
    parts[0].len() + parts[1].len() <= LONGEST_SCALAR
        && serde_json::from_slice::<IgnoredAny>(&parts.concat()).is_ok()
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completeness_does_not_depend_on_the_cut() {
        let table = [
            (r#" {"a":"}\"{","b":[1,{}]} "#, true),
            (r#"{"a":NaN,"b":"\\"}"#, true),
            ("[DONE]", true),
            (r#""text""#, true),
            ("12", true),
            (" true", true),
            ("", false),
            ("{", false),
            (r#"{"a":"}"#, false),
            ("{} x", false),
            (r#""a","#, false),
            ("text", false),
            ("1,", false),
        ];
        for (text, expected) in table {
            for cut in 0..=text.len() {
                let (first, second) = text.as_bytes().split_at(cut);
                assert_eq!(is_complete([first, second]), expected, "{text:?} cut at {cut}");
            }
        }
    }
}
