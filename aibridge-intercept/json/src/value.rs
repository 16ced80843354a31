//! A JSON value as a slice of the original text.

use crate::scanner::{ScannedValue, Scanner};
use crate::string_length::count_characters;
use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::ops::{Not, Range};

/// A valid JSON value: its text without the surrounding whitespace.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a> {
    text: &'a str,
    /// The last element of an array, if the scan that found this value visited it.
    last: Option<&'a str>,
}

/// The bound of [`Json::count`], exclusive. Every whole number below it is exact as a floating point number too.
const MAX_COUNT: i64 = 9_000_000_000_000_000;

/// The reason why a text is not a JSON object.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The text is not UTF-8, which RFC 8259 §8.1 requires.
    #[error("the body is not UTF-8: invalid byte at offset {0}")]
    NotUtf8(usize),
    /// The text is not JSON, or the value is not an object.
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(serde_json::Error),
}

impl<'a> Json<'a> {
    /// Checks that `body` is one JSON object and finds the members called `names`, in one pass. The depth of the
    /// object is not limited.
    ///
    /// The last of duplicate members wins, as in most JSON parsers.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if `body` is not exactly one valid JSON object.
    pub fn object<const N: usize>(
        body: &'a [u8],
        names: [&str; N],
    ) -> Result<[Option<Json<'a>>; N], JsonError> {
        let text = std::str::from_utf8(body).map_err(|e| JsonError::NotUtf8(e.valid_up_to()))?;
        members(Scanner::strict(text), text, names).ok_or_else(|| explain(text))
    }

    /// Reads `body` as one JSON value; `None` if it is not valid.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        Self::whole(Scanner::strict(text), text)
    }

    pub(crate) fn whole(mut scanner: Scanner<'_>, text: &'a str) -> Option<Self> {
        scanner.skip_whitespace();
        let value = scanner.value()?;
        scanner.is_at_end().then(|| Self::new(text, value))
    }

    fn new(text: &'a str, ScannedValue { range, last }: ScannedValue) -> Self {
        Self { text: &text[range], last: last.map(|last| text[last].trim_ascii_end()) }
    }

    /// The value with this text, which must be valid JSON.
    pub(crate) fn known(text: &'a str) -> Self {
        Self { text, last: None }
    }

    /// The text of the value as it was sent.
    pub fn text(self) -> &'a str {
        self.text
    }

    /// The members called `names`: `None` for absent ones, and all `None` if this is not an object.
    pub fn members<const N: usize>(self, names: [&str; N]) -> [Option<Json<'a>>; N] {
        if !self.is_object() {
            return [None; N];
        }
        members(Scanner::lenient(self.text), self.text, names).unwrap_or([None; N])
    }

    /// Whether this is an object that is not empty.
    pub fn has_members(self) -> bool {
        let inner = self.text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        inner.is_some_and(|inner| !inner.trim_ascii().is_empty())
    }

    /// The member called `name`.
    pub fn member(self, name: &str) -> Option<Json<'a>> {
        let [found] = self.members([name]);
        found
    }

    /// Calls `each` for every member whose name is in `names`, duplicates included, with the index of the name. Does
    /// nothing if this is not an object.
    pub fn for_each_member<const N: usize>(self, names: [&str; N], mut each: impl FnMut(usize, Json<'a>)) {
        let mut scanner = Scanner::lenient(self.text);
        let mut more = scanner.token(b'{');
        while more.is_some()
            && let Some(key) = scanner.key()
            && scanner.token(b':').is_some()
            && let Some(value) = scanner.value()
        {
            if let Some(position) = position(&self.text[key], &names) {
                each(position, Self::new(self.text, value));
            }
            more = scanner.token(b',');
        }
    }

    /// The elements of an array; none if this is not an array.
    pub fn elements(self) -> Vec<Json<'a>> {
        let mut elements = Vec::new();
        self.for_each_element(|element| elements.push(element));
        elements
    }

    /// The last element of an array.
    pub fn last_element(self) -> Option<Json<'a>> {
        if self.last.is_some() || !self.is_array() {
            return self.last.map(Self::known);
        }
        let value = Scanner::lenient(self.text).value()?;
        Self::new(self.text, value).last.map(Self::known)
    }

    /// Calls `each` for every element of an array, in order. Does nothing if this is not an array.
    pub fn for_each_element(self, mut each: impl FnMut(Json<'a>)) {
        let mut scanner = Scanner::lenient(self.text);
        let mut more = scanner.token(b'[');
        while more.is_some()
            && let Some(element) = scanner.value()
        {
            each(Self::new(self.text, element));
            more = scanner.token(b',');
        }
    }

    /// The content of a string, `None` for other types. A lone surrogate, which UTF-8 cannot represent, becomes
    /// U+FFFD.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        let decoded = serde_json::Deserializer::from_str(self.text).deserialize_bytes(LossyText);
        // A text with an escape that JSON does not define is returned undecoded.
        Some(decoded.map_or(Cow::Borrowed(inner), Cow::Owned))
    }

    /// The content of a string, `None` if it is empty or another type.
    pub fn non_empty_string(self) -> Option<String> {
        self.string().filter(|text| !text.is_empty()).map(Cow::into_owned)
    }

    /// A count: a number, or a string that contains one, rounded to an integer. `None` for other values, for negative
    /// numbers, and for numbers from 9e15.
    pub fn count(self) -> Option<i64> {
        let text = self.string();
        let text = text.as_deref().unwrap_or(self.text).trim();
        if let Ok(count) = text.parse::<i64>() {
            return (0..MAX_COUNT).contains(&count).then_some(count);
        }
        let count = text.parse::<f64>().ok()?;
        (0.0..MAX_COUNT as f64).contains(&count).then(|| count.round() as i64)
    }

    /// The text of a number, or of a string that contains one. `None` for other values, for numbers that are not valid
    /// JSON, and for those of more than 64 characters.
    pub fn number(self) -> Option<String> {
        let text = self.string();
        let text = text.as_deref().unwrap_or(self.text).trim();
        let starts = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        (starts && text.len() <= 64 && Json::parse(text.as_bytes()).is_some()).then(|| text.to_owned())
    }

    /// Whether dynamic languages treat this value as true: not `null`, `false`, a zero, or an empty string, object or
    /// array.
    pub fn is_truthy(self) -> bool {
        match self.text.as_bytes() {
            b"null" | b"false" | b"\"\"" => false,
            [b'{' | b'[', inner @ .., b'}' | b']'] => !inner.trim_ascii().is_empty(),
            _ => self.text.parse::<f64>().is_ok_and(|number| number == 0.0).not(),
        }
    }

    /// The approximate number of characters of this value; 0 for `null`.
    pub fn length(self) -> u64 {
        if self.is_null() { 0 } else { count_characters(self.text.trim_matches('"').as_bytes()) }
    }

    /// Whether this is a string with the content `text`.
    pub fn is_string(self, text: &str) -> bool {
        self.string().as_deref() == Some(text)
    }

    /// Whether this is an array.
    pub fn is_array(self) -> bool {
        self.text.starts_with('[')
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        self.text.starts_with('{')
    }

    /// Whether this is `true`.
    pub fn is_true(self) -> bool {
        self.text == "true"
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        self.text == "null"
    }

    /// The range of this value in `whole`, which must contain it.
    pub fn range_in(self, whole: &[u8]) -> Range<usize> {
        let start = self.text.as_ptr().addr() - whole.as_ptr().addr();
        start..start + self.text.len()
    }
}

/// Finds the members called `names` of the object that is all of `text`; `None` if it is not an object.
pub(crate) fn members<'a, const N: usize>(
    mut scanner: Scanner<'_>,
    text: &'a str,
    names: [&str; N],
) -> Option<[Option<Json<'a>>; N]> {
    let mut found = [None; N];
    scanner.token(b'{')?;
    if scanner.token(b'}').is_none() {
        loop {
            let key = scanner.key()?;
            scanner.token(b':')?;
            let value = scanner.value()?;
            if let Some(position) = position(&text[key], &names) {
                found[position] = Some(Json::new(text, value));
            }
            match scanner.token(b',') {
                Some(()) => {}
                None => break scanner.token(b'}')?,
            }
        }
    }
    scanner.is_at_end().then_some(found)
}

/// The index in `names` of a quoted key, in any spelling.
pub(crate) fn position(key: &str, names: &[&str]) -> Option<usize> {
    let find = |key: &str| names.iter().position(|name| *name == key);
    let plain = key.get(1..key.len() - 1).and_then(find);
    plain.or_else(|| if key.contains('\\') { find(&Json::known(key).string()?) } else { None })
}

/// Returns the error for a `text` that is not one JSON object. `serde_json` reports the position.
fn explain(text: &str) -> JsonError {
    let not_an_object = |_| serde_json::Error::custom("it is another kind of value");
    JsonError::NotAnObject(serde_json::from_str::<IgnoredAny>(text).map_or_else(|error| error, not_an_object))
}

/// Decodes a string with lone surrogates. `serde_json` returns them only as bytes, in WTF-8: `ED A0..BF xx`.
struct LossyText;

impl Visitor<'_> for LossyText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return Ok(text);
                }
                Err(error) => {
                    let (valid, invalid) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = invalid.get(3..).unwrap_or_default();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
