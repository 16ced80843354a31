//! `route_prefix`: the prefixes of the routes of providers.

use crate::name::RESERVED;

/// The prefixes so far, each with the setting of its provider, e.g. `provider[0]`.
#[derive(Default)]
pub(crate) struct Prefixes(Vec<(String, String)>);

impl Prefixes {
    /// Reserves `prefix` for the provider at `at`.
    ///
    /// # Errors
    ///
    /// A message if the prefix is not valid, or a path could belong to another provider as well.
    pub(crate) fn claim(&mut self, prefix: String, at: &str) -> Result<String, String> {
        check(&prefix)?;
        if let Some((other, owner)) = self.0.iter().find(|(other, _)| overlap(other, &prefix)) {
            return Err(match *other == prefix {
                true => format!("{prefix:?} is already the prefix of {owner}; write another"),
                false => format!("{prefix:?} overlaps with {other:?}, the prefix of {owner}; write another"),
            });
        }
        self.0.push((prefix.clone(), at.to_owned()));
        Ok(prefix)
    }
}

/// Whether one prefix begins with all segments of the other.
fn overlap(one: &str, other: &str) -> bool {
    one.split('/').zip(other.split('/')).all(|(one, other)| one == other)
}

fn check(prefix: &str) -> Result<(), String> {
    let advice = "write e.g. \"/openai/v1\"";
    let Some(segments) = prefix.strip_prefix('/') else {
        return Err(format!("{prefix:?} does not begin with a slash; {advice}"));
    };
    if segments.ends_with('/') || segments.is_empty() {
        return Err(format!("{prefix:?} ends in a slash; {advice}"));
    }
    if !segments.split('/').all(is_plain) {
        return Err(format!(
            "{prefix:?} has a segment that servers may read differently; write letters, digits, \"-\", \"_\" and inner \
             \".\", e.g. \"/openai/v1\""
        ));
    }
    match segments.split('/').next().filter(|first| RESERVED.contains(first)) {
        Some(first) => {
            Err(format!("{prefix:?} begins with \"/{first}\", a path of the gateway itself; {advice}"))
        }
        None => Ok(()),
    }
}

fn is_plain(segment: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !segment.is_empty()
        && segment.bytes().all(is_inner)
        && !segment.starts_with('.')
        && !segment.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_plain_paths() {
        for prefix in ["/v1", "/openai/v1", "/a/b/c", "/Team_1/v1.2", "/apis/v1"] {
            assert_eq!(check(prefix), Ok(()), "{prefix}");
        }
        for (prefix, expected) in [
            ("", "does not begin with a slash"),
            ("v1", "does not begin with a slash"),
            ("/", "ends in a slash"),
            ("/v1/", "ends in a slash"),
            ("//v1", "has a segment"),
            ("/a/../b", "has a segment"),
            ("/a%2Fb", "has a segment"),
            ("/a;b", "has a segment"),
            ("/a b", "has a segment"),
            ("/api/v1", "a path of the gateway itself"),
            ("/metrics", "a path of the gateway itself"),
        ] {
            assert!(check(prefix).is_err_and(|message| message.contains(expected)), "{prefix}");
        }
    }

    #[test]
    fn a_path_belongs_to_one_provider() {
        let mut prefixes = Prefixes::default();
        for (prefix, expected) in [
            ("/openai/v1", None),
            ("/openai-2/v1", None),
            ("/openai/v2", None),
            ("/openai/v1", Some("is already the prefix of provider[0]")),
            ("/openai", Some("overlaps with \"/openai/v1\"")),
            ("/openai/v1/eu", Some("overlaps with \"/openai/v1\"")),
        ] {
            let claimed = prefixes.claim(prefix.to_owned(), "provider[0]");
            assert_eq!(claimed.is_ok(), expected.is_none(), "{prefix}");
            assert!(
                expected.is_none_or(|text| claimed.is_err_and(|message| message.contains(text))),
                "{prefix}"
            );
        }
    }
}
