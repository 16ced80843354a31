//! Reads one string member of an object that arrives in slices, without buffering the object.

use crate::value::{Json, position};

/// The most bytes of a name that are kept for the comparison. A name of 21 characters fits, even if each is an escape of
/// 6 bytes.
const MAX_NAME_BYTES: usize = 128;

/// Reads the string member with one name of an object that arrives in slices.
///
/// Only brackets, quotes, commas and colons are interpreted; other syntax is not checked. The last of duplicate members
/// wins, as in [`Json::object`]. Memory is bounded by the maximum length of the value; time is linear.
#[derive(Debug)]
pub struct StreamedMember {
    name: &'static str,
    max_bytes: usize,
    position: Position,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// The kept bytes of the current string, a name or a value at the first level.
    captured: Vec<u8>,
    /// The number of bytes to keep of the current string; `None` if it is skipped.
    capture: Option<usize>,
    /// Whether the current member has the name.
    is_wanted: bool,
    value: Option<String>,
}

/// The position in the object at the first level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Before the object.
    Start,
    /// Before or in a name.
    Name,
    /// Before or in a value.
    Value,
    /// After the object, or in a text that is not an object.
    End,
}

impl StreamedMember {
    /// A reader of the member `name`, which keeps at most `max_bytes` of the text of its value.
    pub fn new(name: &'static str, max_bytes: usize) -> Self {
        Self {
            name,
            max_bytes,
            position: Position::Start,
            depth: 0,
            in_string: false,
            is_escaped: false,
            captured: Vec::new(),
            capture: None,
            is_wanted: false,
            value: None,
        }
    }

    /// The value so far; `None` if it is absent, empty or not a string.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Whether no more members can follow: the object is over, or the text is not an object.
    pub fn is_over(&self) -> bool {
        self.position == Position::End
    }

    /// Reads the next slice.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !self.is_over() && !bytes.is_empty() {
            let read = if self.in_string { self.read_string(bytes) } else { self.read_token(bytes[0]) };
            bytes = &bytes[read..];
        }
    }

    /// Continues in a string. Returns the number of bytes that it has read.
    fn read_string(&mut self, bytes: &[u8]) -> usize {
        let length = if std::mem::take(&mut self.is_escaped) {
            1
        } else {
            match memchr::memchr2(b'"', b'\\', bytes) {
                Some(at) => {
                    self.is_escaped = bytes[at] == b'\\';
                    self.in_string = self.is_escaped;
                    at + 1
                }
                None => bytes.len(),
            }
        };
        if let Some(max_bytes) = self.capture {
            let content = &bytes[..length - usize::from(!self.in_string)];
            let room = max_bytes.saturating_sub(self.captured.len());
            self.captured.extend_from_slice(&content[..content.len().min(room)]);
        }
        if !self.in_string && self.capture.take().is_some() {
            self.end_string();
        }
        length
    }

    /// Interprets the kept string, which has ended: a name, or the value of the member.
    fn end_string(&mut self) {
        let quoted = format!("\"{}\"", String::from_utf8_lossy(&std::mem::take(&mut self.captured)));
        match self.position {
            Position::Name => self.is_wanted = position(&quoted, &[self.name]).is_some(),
            _ => self.value = Json::known(&quoted).non_empty_string(),
        }
    }

    /// Reads one byte outside of strings. Returns 1.
    fn read_token(&mut self, byte: u8) -> usize {
        let is_member = self.depth == 1;
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | 0xef | 0xbb | 0xbf => return 1,
            b'{' if self.position == Position::Start => {
                self.depth = 1;
                self.position = Position::Name;
                return 1;
            }
            _ if self.position == Position::Start => self.position = Position::End,
            b'"' => self.begin_string(),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' if is_member => {
                self.position = Position::Value;
                if self.is_wanted {
                    self.value = None;
                }
            }
            b',' if is_member => {
                self.position = Position::Name;
                self.is_wanted = false;
            }
            _ => {}
        }
        if self.depth == 0 {
            self.position = Position::End;
        }
        1
    }

    fn begin_string(&mut self) {
        self.in_string = true;
        self.capture = match self.position {
            _ if self.depth != 1 => None,
            Position::Name => Some(MAX_NAME_BYTES),
            _ => self.is_wanted.then_some(self.max_bytes),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads `text` in slices of `size` bytes. Returns the value, and whether the object is over.
    fn read(text: &[u8], size: usize) -> (Option<String>, bool) {
        let mut member = StreamedMember::new("model", 64);
        text.chunks(size).for_each(|slice| member.push(slice));
        (member.value().map(str::to_owned), member.is_over())
    }

    #[test]
    fn finds_the_member_in_any_slices() {
        let table: &[(&str, Option<&str>, bool)] = &[
            (r#"{"model":"m"}"#, Some("m"), true),
            (" \n{ \"input\" : [1, {\"model\":\"x\"}], \"model\" :\t\"m\" } ", Some("m"), true),
            (r#"{"mod\u0065l":"m\u0031","a":"model"}"#, Some("m1"), true),
            (r#"{"model":"a\"b\\","x":"\"model\":\"y\""}"#, Some("a\"b\\"), true),
            (r#"{"model":"a","model":"b"}"#, Some("b"), true),
            (r#"{"model":"a","model":null}"#, None, true),
            (r#"{"model":{"model":"x"}}"#, None, true),
            (r#"{"model":["x"],"a":{"model":"x"}}"#, None, true),
            (r#"{"model":""}"#, None, true),
            ("{}", None, true),
            ("[{\"model\":\"m\"}]", None, true),
            ("--boundary\r\n{\"model\":\"m\"}", None, true),
            ("\u{feff}{\"model\":\"m\"}", Some("m"), true),
            (r#"{"input":"x","#, None, false),
            (r#"{"model":"m","input":"x"#, Some("m"), false),
            ("", None, false),
            ("  ", None, false),
        ];
        for (text, value, is_over) in table {
            for size in [1, 2, 3, 1000] {
                let expected = (value.map(str::to_owned), *is_over);
                assert_eq!(read(text.as_bytes(), size), expected, "{text} in slices of {size}");
            }
        }
    }

    #[test]
    fn keeps_the_start_of_a_long_value() {
        let text = format!(r#"{{"{0}":"x","model":"{0}"}}"#, "m".repeat(1000));
        assert_eq!(read(text.as_bytes(), 7), (Some("m".repeat(64)), true));
    }

    proptest! {
        #[test]
        fn agrees_with_a_scan_of_the_whole(text in r#"\{("(model|a)":("[a-z\{\[:,]{0,5}"|1|null|\[\{"model":"q"\}\]),){0,4}"b":1\}"#, size in 1..9_usize) {
            let [model] = Json::object(text.as_bytes(), ["model"]).unwrap();
            prop_assert_eq!(read(text.as_bytes(), size), (model.and_then(Json::non_empty_string), true), "{}", text);
        }

        #[test]
        fn accepts_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100), size in 1..9_usize) {
            prop_assert_eq!(read(&bytes, size), read(&bytes, 100));
        }
    }
}
