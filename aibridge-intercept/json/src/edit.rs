//! Edits of a JSON text: ranges of bytes that are replaced while the rest stays as it is.

use crate::value::Json;
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

/// Replaces the bytes of `range` with `replacement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to remove; an empty range inserts.
    pub range: Range<usize>,
    /// The text to put there.
    pub replacement: Cow<'static, str>,
}

impl Edit {
    /// Makes `member` (as in `"name":value`) the first member of `body`, which must be a JSON object.
    pub fn insert_first(body: &[u8], member: impl Into<Cow<'static, str>>) -> Self {
        let brace = memchr::memchr(b'{', body).unwrap_or_default();
        Self::insert_after(body, brace, member.into())
    }

    /// Makes `member` the first member of `object`, which must be a part of `body`.
    pub fn insert_first_into(body: &[u8], object: Json<'_>, member: &'static str) -> Self {
        Self::insert_after(body, object.range_in(body).start, member.into())
    }

    fn insert_after(body: &[u8], brace: usize, member: Cow<'static, str>) -> Self {
        let rest = &body[brace + 1..];
        let is_empty = rest.trim_ascii_start().starts_with(b"}");
        let replacement = if is_empty { member } else { format!("{member},").into() };
        Self { range: brace + 1..brace + 1, replacement }
    }

    /// Replaces `value`, which must be a part of `whole`.
    pub fn replace(whole: &[u8], value: Json<'_>, replacement: impl Into<Cow<'static, str>>) -> Self {
        Self { range: value.range_in(whole), replacement: replacement.into() }
    }
}

/// Applies `edits`, which must not overlap, to `body`. Returns the pieces of the result in order; those that come from
/// `body` share its memory.
pub fn splice(body: &Bytes, mut edits: Vec<Edit>) -> VecDeque<Bytes> {
    edits.sort_by_key(|edit| edit.range.start);
    let mut pieces = VecDeque::with_capacity(2 * edits.len() + 1);
    let mut from = 0;
    for edit in edits {
        pieces.push_back(body.slice(from..edit.range.start));
        pieces.push_back(match edit.replacement {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        });
        from = edit.range.end;
    }
    pieces.push_back(body.slice(from..));
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edited(body: &Bytes, edit: Edit) -> Vec<u8> {
        Vec::from(splice(body, vec![edit])).concat()
    }

    #[test]
    fn inserts_a_first_member() {
        for (body, expected) in [
            ("{}", r#"{"n":1}"#),
            ("{ }", r#"{"n":1 }"#),
            (r#" {"a":2}"#, r#" {"n":1,"a":2}"#),
            ("{\n \"a\":2}", "{\"n\":1,\n \"a\":2}"),
        ] {
            let bytes = Bytes::from(body);
            let edit = Edit::insert_first(&bytes, "\"n\":1");
            assert_eq!(edited(&bytes, edit), expected.as_bytes(), "{body}");
        }
    }

    #[test]
    fn applies_edits_in_the_order_of_their_ranges_and_shares_the_rest() {
        let body = Bytes::from_static(b"0123456789");
        let edit = |range, text: &'static str| Edit { range, replacement: text.into() };
        let pieces = splice(&body, vec![edit(7..9, "xyz"), edit(2..2, "--")]);
        assert_eq!(pieces[0].as_ptr(), body.as_ptr(), "nothing of the original is copied");
        assert_eq!(Vec::from(pieces).concat(), b"01--23456xyz9");
    }

    proptest! {
        #[test]
        fn a_splice_changes_nothing_else(
            before in r#"[ \n]{0,3}"#,
            value in prop_oneof![Just("null"), Just("[1,2]"), Just(r#"{"x":"}"}"#), Just("1.0e5")],
            other in r#"[a-z"\\{}\[\]:, ]{0,20}"#,
        ) {
            let other = serde_json::to_string(&other).unwrap();
            let body = Bytes::from(format!("{before}{{\"other\":{other},\"target\": {value} ,\"z\":{other}}}"));
            let [target] = Json::object(&body, ["target"]).unwrap();
            prop_assert_eq!(target.unwrap().text(), value);
            prop_assert_eq!(
                edited(&body, Edit::replace(&body, target.unwrap(), "true")),
                format!("{before}{{\"other\":{other},\"target\": true ,\"z\":{other}}}").into_bytes()
            );
        }
    }
}
