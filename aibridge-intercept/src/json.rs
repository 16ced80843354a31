//! Looking at JSON where it lies, and editing it there.
//!
//! Nothing here builds a tree or writes a value anew: a [`Json`] is a slice of the original text, members are
//! found by scanning past the others, and an [`Edit`] replaces a range of bytes. So unknown members, key
//! order, number spelling, duplicate members and whitespace survive.

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A valid JSON value: its text, without the whitespace around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

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
        members(text, names).map_err(JsonError::NotAnObject)
    }

    /// Takes `body` for a JSON value if it is one.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        serde_json::from_str::<&RawValue>(text).ok().map(|raw| Json(raw.get()))
    }

    /// The value as it is spelt.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// The members called `names`, `None` for those that are missing; all `None` if this is not an object.
    pub fn members<const N: usize>(self, names: [&str; N]) -> [Option<Json<'a>>; N] {
        if self.is_object() { members(self.0, names).unwrap_or([None; N]) } else { [None; N] }
    }

    /// The member called `name`.
    pub fn member(self, name: &str) -> Option<Json<'a>> {
        let [found] = self.members([name]);
        found
    }

    /// The elements of an array; none if this is not an array.
    pub fn elements(self) -> Vec<Json<'a>> {
        let mut elements = Vec::new();
        self.for_each_element(|element| elements.push(element));
        elements
    }

    /// The last element of an array.
    pub fn last_element(self) -> Option<Json<'a>> {
        let mut last = None;
        self.for_each_element(|element| last = Some(element));
        last
    }

    /// Looks at the elements of an array one after the other; none if this is not an array.
    pub fn for_each_element(self, each: impl FnMut(Json<'a>)) {
        if self.0.starts_with('[') {
            // A `Json` is valid by construction: there is no error to meet.
            let _ = serde_json::Deserializer::from_str(self.0).deserialize_seq(Elements(each));
        }
    }

    /// The content of a string, `None` for other types. What no text can hold (a lone surrogate) comes out as
    /// U+FFFD.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::Deserializer::from_str(self.0).deserialize_bytes(LossyText).ok().map(Cow::Owned)
    }

    /// The content of a string that is not empty.
    pub fn non_empty_string(self) -> Option<String> {
        self.string().filter(|text| !text.is_empty()).map(Cow::into_owned)
    }

    /// A whole number, however it is spelt (`12`, `12.0`, `1.2e1`).
    pub fn integer(self) -> Option<i64> {
        self.0.parse().ok().or_else(|| {
            let float: f64 = serde_json::from_str(self.0).ok()?;
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        })
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Whether this is `true`.
    pub fn is_true(self) -> bool {
        self.0 == "true"
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Where this value lies in `whole`, of which it must be a part.
    pub fn range_in(self, whole: &[u8]) -> Range<usize> {
        let start = self.0.as_ptr().addr() - whole.as_ptr().addr();
        start..start + self.0.len()
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
    text: &'a str,
    names: [&str; N],
) -> Result<[Option<Json<'a>>; N], serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = deserializer.deserialize_map(Members(names))?;
    deserializer.end()?;
    Ok(found)
}

struct Members<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
    type Value = [Option<Json<'de>>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(position) = map.next_key_seed(PositionOf(&self.0))? {
            match position {
                Some(position) => found[position] = Some(Json(map.next_value::<&RawValue>()?.get())),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Which of the names a key is. Read as bytes, because a key may hold a lone surrogate.
struct PositionOf<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for PositionOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for PositionOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| name.as_bytes() == key))
    }
}

struct Elements<F>(F);

impl<'de, F: FnMut(Json<'de>)> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element::<&RawValue>()? {
            (self.0)(Json(element.get()));
        }
        Ok(())
    }
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
