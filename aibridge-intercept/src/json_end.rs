//! Finding the end of a JSON value by its brackets and quotes alone.
//!
//! Framing needs to know where a value ends, not whether it is valid: what is between the brackets is read leniently
//! elsewhere.

use serde::de::IgnoredAny;

/// A longer value without brackets or quotes is no JSON value.
const LONGEST_SCALAR: usize = 64;

/// The state of the search between two slices of a value that begins with a bracket or a quote.
#[derive(Debug, Default)]
pub(crate) struct JsonEnd {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl JsonEnd {
    /// Reads on. Returns the offset in `bytes` behind the value's last byte once that is there.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
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

/// Whether a text in two parts is one complete JSON value, or `[DONE]`.
pub(crate) fn is_complete(parts: [&[u8]; 2]) -> bool {
    let [first, second] = match parts {
        [first, second] if first.trim_ascii_start().is_empty() => [second.trim_ascii_start(), &[]],
        [first, second] => [first.trim_ascii_start(), second],
    };
    if !matches!(first.first(), Some(b'{' | b'[' | b'"')) {
        return is_scalar(&[first, second]);
    }
    let mut end = JsonEnd::default();
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
    fn a_value_is_complete_however_it_is_cut() {
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
