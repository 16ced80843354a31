//! Looking at JSON where it lies, and editing it there.
//!
//! Nothing here builds a tree or writes a value anew: a [`Json`] is a slice of the original text, members are
//! found by scanning past the others, and an [`Edit`] replaces a range of bytes. So unknown members, key
//! order, number spelling, duplicate members and whitespace survive.

mod lenient;
mod nest;
mod scan;

pub use lenient::LenientText;
use scan::{Scan, Scanned};
use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::ops::{Not, Range};

/// A valid JSON value: its text, without the whitespace around it.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a> {
    text: &'a str,
    /// The last element of an array, if it was passed on the way here.
    last: Option<&'a str>,
}

/// Why a body is not what we can look at.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not UTF-8, which RFC 8259 §8.1 demands.
    #[error("the body is not UTF-8: invalid byte at offset {0}")]
    NotUtf8(usize),
    /// Not JSON, or not an object.
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(serde_json::Error),
}

impl<'a> Json<'a> {
    /// Checks that `body` is one JSON object and finds the members called `names`, in one pass.
    ///
    /// Of duplicate members the last counts, as with the parsers that providers use.
    ///
    /// # Errors
    ///
    /// When `body` is anything but one valid JSON object, of any depth.
    pub fn object<const N: usize>(
        body: &'a [u8],
        names: [&str; N],
    ) -> Result<[Option<Json<'a>>; N], JsonError> {
        let text = std::str::from_utf8(body).map_err(|e| JsonError::NotUtf8(e.valid_up_to()))?;
        members(Scan::strict(text), text, names).ok_or_else(|| explain(text))
    }

    /// Takes `body` for a JSON value if it is one.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        Self::whole(Scan::strict(text), text)
    }

    fn whole(mut scan: Scan<'_>, text: &'a str) -> Option<Self> {
        scan.space();
        let found = scan.value()?;
        scan.is_over().then(|| Self::new(text, found))
    }

    fn new(text: &'a str, Scanned { range, last }: Scanned) -> Self {
        Self { text: &text[range], last: last.map(|last| text[last].trim_ascii_end()) }
    }

    /// A value whose text is known to be one.
    fn known(text: &'a str) -> Self {
        Self { text, last: None }
    }

    /// The value as it is spelt.
    pub fn text(self) -> &'a str {
        self.text
    }

    /// The members called `names`, `None` for those that are missing; all `None` if this is not an object.
    pub fn members<const N: usize>(self, names: [&str; N]) -> [Option<Json<'a>>; N] {
        if !self.is_object() {
            return [None; N];
        }
        members(Scan::lenient(self.text), self.text, names).unwrap_or([None; N])
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

    /// Calls `each` for every member called one of `names`, duplicates included, with the position of its name; never if
    /// this is not an object.
    pub fn for_each_member<const N: usize>(self, names: [&str; N], mut each: impl FnMut(usize, Json<'a>)) {
        let mut scan = Scan::lenient(self.text);
        let mut more = scan.eat(b'{');
        while more.is_some()
            && let Some(key) = scan.key()
            && scan.eat(b':').is_some()
            && let Some(value) = scan.value()
        {
            if let Some(position) = position(&self.text[key], &names) {
                each(position, Self::new(self.text, value));
            }
            more = scan.eat(b',');
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
        let passed = Scan::lenient(self.text).value()?;
        Self::new(self.text, passed).last.map(Self::known)
    }

    /// Looks at the elements of an array one after the other; none if this is not an array.
    pub fn for_each_element(self, mut each: impl FnMut(Json<'a>)) {
        let mut scan = Scan::lenient(self.text);
        let mut more = scan.eat(b'[');
        while more.is_some()
            && let Some(element) = scan.value()
        {
            each(Self::new(self.text, element));
            more = scan.eat(b',');
        }
    }

    /// The content of a string, `None` for other types. What no text can hold (a lone surrogate) comes out as
    /// U+FFFD.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        let decoded = serde_json::Deserializer::from_str(self.text).deserialize_bytes(LossyText);
        // An escape that JSON does not have stays as it is spelt.
        Some(decoded.map_or(Cow::Borrowed(inner), Cow::Owned))
    }

    /// The content of a string that is not empty.
    pub fn non_empty_string(self) -> Option<String> {
        self.string().filter(|text| !text.is_empty()).map(Cow::into_owned)
    }

    /// A count of something: a number or a string that holds one, rounded to an integer. `None` for anything else and
    /// for what no provider counts: negative numbers and those from 9e15.
    pub fn count(self) -> Option<i64> {
        let text = self.string();
        let text = text.as_deref().unwrap_or(self.text).trim();
        let count = text.parse().map(|integer: i64| integer as f64).or_else(|_| text.parse::<f64>()).ok()?;
        (0.0..9e15).contains(&count).then(|| count.round() as i64)
    }

    /// The number that this value is, or that its string holds, as it is spelt. `None` for what JSON takes for no number
    /// and for numbers of more than 64 characters.
    pub fn number(self) -> Option<String> {
        let text = self.string();
        let text = text.as_deref().unwrap_or(self.text).trim();
        let starts = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        (starts && text.len() <= 64 && Json::parse(text.as_bytes()).is_some()).then(|| text.to_owned())
    }

    /// Whether a dynamic language takes this value for true: not `null`, `false`, a zero, or an empty string, object or
    /// array.
    pub fn is_truthy(self) -> bool {
        match self.text.as_bytes() {
            b"null" | b"false" | b"\"\"" => false,
            [b'{' | b'[', inner @ .., b'}' | b']'] => !inner.trim_ascii().is_empty(),
            _ => self.text.parse::<f64>().is_ok_and(|number| number == 0.0).not(),
        }
    }

    /// About how many characters it takes to write this value down.
    pub fn length(self) -> u64 {
        if self.is_null() { 0 } else { crate::scan::characters(self.text.trim_matches('"').as_bytes()) }
    }

    /// Whether this is a string of which `text` is the content.
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

    /// Where this value lies in `whole`, of which it must be a part.
    pub fn range_in(self, whole: &[u8]) -> Range<usize> {
        let start = self.text.as_ptr().addr() - whole.as_ptr().addr();
        start..start + self.text.len()
    }
}

/// An edit of a body: the bytes of `range` become `with`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes; empty to insert.
    pub range: Range<usize>,
    /// What comes in its place.
    pub with: Cow<'static, str>,
}

impl Edit {
    /// Makes `member` (as in `"name":value`) the first member of `body`, which must be a JSON object.
    pub fn insert_first(body: &[u8], member: impl Into<Cow<'static, str>>) -> Self {
        let brace = memchr::memchr(b'{', body).unwrap_or_default();
        Self::insert_behind(body, brace, member.into())
    }

    /// Makes `member` the first member of `object`, which must be a part of `body`.
    pub fn insert_first_into(body: &[u8], object: Json<'_>, member: &'static str) -> Self {
        Self::insert_behind(body, object.range_in(body).start, member.into())
    }

    fn insert_behind(body: &[u8], brace: usize, member: Cow<'static, str>) -> Self {
        let rest = &body[brace + 1..];
        let is_empty = rest.trim_ascii_start().starts_with(b"}");
        let with = if is_empty { member } else { format!("{member},").into() };
        Self { range: brace + 1..brace + 1, with }
    }

    /// Replaces `value`, which must be a part of `whole`.
    pub fn replace(whole: &[u8], value: Json<'_>, with: impl Into<Cow<'static, str>>) -> Self {
        Self { range: value.range_in(whole), with: with.into() }
    }
}

fn members<'a, const N: usize>(
    mut scan: Scan<'_>,
    text: &'a str,
    names: [&str; N],
) -> Option<[Option<Json<'a>>; N]> {
    let mut found = [None; N];
    scan.eat(b'{')?;
    if scan.eat(b'}').is_none() {
        loop {
            let key = scan.key()?;
            scan.eat(b':')?;
            let value = scan.value()?;
            if let Some(position) = position(&text[key], &names) {
                found[position] = Some(Json::new(text, value));
            }
            match scan.eat(b',') {
                Some(()) => {}
                None => break scan.eat(b'}')?,
            }
        }
    }
    scan.is_over().then_some(found)
}

/// Which of `names` a key is, however it is spelt.
fn position(key: &str, names: &[&str]) -> Option<usize> {
    let find = |key: &str| names.iter().position(|name| *name == key);
    let plain = key.get(1..key.len() - 1).and_then(find);
    plain.or_else(|| if key.contains('\\') { find(&Json::known(key).string()?) } else { None })
}

/// Why `text` is not one JSON object, in the words of a parser that tells where.
fn explain(text: &str) -> JsonError {
    let not_an_object = |_| serde_json::Error::custom("it is another kind of value");
    JsonError::NotAnObject(serde_json::from_str::<IgnoredAny>(text).map_or_else(|error| error, not_an_object))
}

/// serde_json gives a string with lone surrogates only as bytes, where they stand as in WTF-8: ED A0..BF xx.
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
