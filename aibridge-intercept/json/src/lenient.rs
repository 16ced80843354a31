//! JSON that is read more leniently than RFC 8259 allows.
//!
//! For a reader that only observes a response, an error would be useless: one mistake of the server must not hide the rest.

use crate::scanner::Scanner;
use crate::value::{Json, members};
use std::borrow::Cow;

/// The text of a value in JSON or in a similar format.
///
/// It accepts, beyond JSON: a byte order mark at the start, NULs at the end, invalid UTF-8 (read as U+FFFD), `NaN`,
/// `Infinity` and `-Infinity`, raw control characters and unknown escapes in strings.
#[derive(Debug)]
pub struct LenientText<'a>(Cow<'a, str>);

impl<'a> LenientText<'a> {
    /// The text of `bytes`, which are copied only if they are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let end = bytes.iter().rposition(|byte| !matches!(byte, 0 | b' ' | b'\n' | b'\r' | b'\t'));
        let bytes = &bytes[..end.map_or(0, |last| last + 1)];
        // Valid text is by far the usual case, and `from_utf8_lossy` checks it byte by byte.
        Self(std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed))
    }

    /// The value, `None` if the text is not one JSON value.
    pub fn json(&self) -> Option<Json<'_>> {
        Json::whole(Scanner::lenient(&self.0), &self.0)
    }

    /// The members called `names`, found in one pass; `None` if the text is not an object. The last of duplicate
    /// members wins.
    pub fn object<const N: usize>(&self, names: [&str; N]) -> Option<[Option<Json<'_>>; N]> {
        members(Scanner::lenient(&self.0), &self.0, names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_slips_of_servers() {
        let table: &[&[u8]] = &[
            br#"{"x":NaN,"a":1}"#,
            br#"{"x":[Infinity, -Infinity,-NaN ],"a":1}"#,
            b"{\"x\":\"raw \x01 \n \0 control characters, \x7f, in a string that is longer than a block of sixty-four bytes \x02\",\"a\":1}",
            b"{\"x\":\"\xf0\x9f\x98\",\"a\":1,\"y\xff\":2}",
            b"\xef\xbb\xbf{\"a\":1}",
            b"{\"a\":1}\0\0\n\0",
            br#"{"x":"C:\dir \' \u12 \x","a":1}"#,
            b"{\"x\":\"\\\x01\",\"a\":1}",
        ];
        for bytes in table {
            let text = LenientText::new(bytes);
            let about = String::from_utf8_lossy(bytes);
            let [a] = text.object(["a"]).unwrap_or_else(|| panic!("{about}"));
            assert_eq!(a.unwrap().count(), Some(1), "{about}");
            assert_eq!(text.json().unwrap().member("a").unwrap().text(), "1", "{about}");
            assert!(Json::object(bytes, ["a"]).is_err(), "{about}: strict reading rejects it");
        }
    }

    #[test]
    fn keeps_readable_parts_of_strings() {
        for (bytes, expected) in
            [(&b"\"a\x01b\\n\""[..], "a\u{1}b\n"), (b"\"a\xffb\"", "a\u{fffd}b"), (b"\"\\' \\n\"", "\\' \\n")]
        {
            assert_eq!(LenientText::new(bytes).json().unwrap().string().unwrap(), expected);
        }
    }

    #[test]
    fn rejects_texts_that_are_not_json() {
        for bytes in [&b""[..], b"\0", b"<html>", b"{", b"{\"a\":}", b"{\"a\":nan}", b"{} {}", b"{'a':1}"] {
            assert!(LenientText::new(bytes).json().is_none(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
