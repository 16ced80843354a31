//! Checks that all parsers read a path in the same way.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Whether `path` has no `.` or `..` segment, no empty segment, and no slash, backslash, NUL or percent sign that is
/// encoded. From the byte `id` on, single encoded slashes between other characters are allowed.
pub(super) fn is_unambiguous(path: &str, id: Option<usize>) -> bool {
    let is_allowed = |(at, _)| match encoded(path, at) {
        Some(b'/') => id.is_some_and(|id| at > id) && is_between_characters(path, at),
        Some(b'\\' | b'\0' | b'%') => false,
        _ => true,
    };
    !path.contains('\\')
        && !path.contains("//")
        && path.match_indices('%').all(is_allowed)
        && !has_dot_segment(path)
}

/// Returns the byte that is percent-encoded at `at`.
fn encoded(path: &str, at: usize) -> Option<u8> {
    let bytes = path.as_bytes().get(at..at + 3)?;
    let hex = std::str::from_utf8(bytes.get(1..)?).ok()?;
    u8::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+'))
}

/// Whether the encoded slash at `at` is next to no other slash, and not at the end.
fn is_between_characters(path: &str, at: usize) -> bool {
    let (before, after) = (&path[..at], &path[at + 3..]);
    let is_slash = |at: Option<usize>| at.is_some_and(|at| encoded(path, at) == Some(b'/'));
    !after.is_empty()
        && !after.starts_with('/')
        && !before.ends_with('/')
        && !is_slash(Some(at + 3).filter(|_| after.starts_with('%')))
        && !is_slash(at.checked_sub(3).filter(|at| path.as_bytes().get(*at) == Some(&b'%')))
}

/// Whether a segment of the decoded path is `.` or `..`, with or without parameters.
fn has_dot_segment(path: &str) -> bool {
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    decoded
        .split(|byte| *byte == b'/')
        .filter_map(|segment| segment.split(|byte| *byte == b';').next())
        .any(|name| matches!(name, b"." | b".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_parsers_read_in_two_ways_are_ambiguous() {
        for path in [
            "/models/../files",
            "/models/.",
            "/models/..",
            "/models/..;",
            "/models/..;a=1/x",
            "/models/.%3Bx",
            "/models/%2e%2E/files",
            "/models/.%2e",
            "/models/%2e;x",
            "//models",
            "/models//x",
            "/a%2Fb",
            "/models/a%5Cb",
            "/models/a%5cb",
            "/models/a%00",
            "/models/a%25",
            "/models/%252e%252e",
            "/models/a\\b",
            "/models%2Fa",
            "/models/%2Fa",
            "/models/a%2F",
            "/models/a%2f%2Fb",
            "/models/a/%2Fb",
            "/models/a%2F/b",
            "/models/a%2F..%2Fb",
            "/models/a%2F.",
            "/models/..%2Fb",
        ] {
            assert!(!is_unambiguous(path, path.starts_with("/models/").then_some(8)), "{path}");
        }
        for path in [
            "/",
            "/models/",
            "/models/a%20b",
            "/models/...",
            "/models/.a",
            "/models/gpt-4%2e1",
            "/models/a;..",
            "/models/openai%2Fgpt-oss-120b",
            "/models/accounts%2ffireworks%2Fmodels%2fx",
            "/models/a%",
            "/models/a%2",
            "/models/a%zz",
        ] {
            assert!(is_unambiguous(path, path.starts_with("/models/").then_some(8)), "{path}");
        }
    }
}
