//! The URL of an upstream request, with the client's path and query byte for byte.
//!
//! `Url` percent-encodes characters that the URL standard encodes in the URLs of a browser (`"`, `{`, `}`, `'` in a
//! query), and reqwest only accepts a `Url`. A provider may compare or sign the URL that it received. Such a URL is
//! therefore assembled from the parts of `Url`, through the serde representation that `url` offers for this. In builds
//! with debug assertions `url` checks that representation against its own encoding, which is why Cargo.toml turns them
//! off for that crate. If a later version of `url` rejects it, the encoded URL is used.

use reqwest::Url;
use serde_json::{Value, value::Serializer};
use url::Position;

/// The positions of members in the result of `Url::serialize_internal`.
const SERIALIZATION: usize = 0;
const QUERY_START: usize = 8;

/// `base` with `path` appended to its own path, and with `query`.
pub(super) fn url(base: &Url, path: &str, query: Option<&str>) -> Url {
    let path = [base.path().trim_end_matches('/'), path].concat();
    let mut url = base.clone();
    url.set_path(&path);
    url.set_query(query);
    if url.path() == path && url.query() == query {
        return url;
    }
    verbatim(&url, &path, query).unwrap_or(url)
}

fn verbatim(url: &Url, path: &str, query: Option<&str>) -> Option<Url> {
    let mut text = [&url[..Position::BeforePath], path].concat();
    let query_start = text.len();
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = url.serialize_internal(Serializer).ok()?;
    *parts.get_mut(SERIALIZATION)? = Value::from(text);
    *parts.get_mut(QUERY_START)? = query.map_or(Value::Null, |_| Value::from(query_start));
    let verbatim = Url::deserialize_internal(parts).ok()?;
    (verbatim.path() == path && verbatim.query() == query).then_some(verbatim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_kept_byte_for_byte() {
        for base in ["https://api.test/v1/", "http://127.0.0.1:8080/v1", "http://[::1]:9/", "http://api.test"]
        {
            let base = Url::parse(base).unwrap();
            for path in ["/models", "/models/a%2Fb", "/models/{a}\"'`|^b", "/models/\u{fc}"] {
                for query in [None, Some(""), Some("a=b&c"), Some("q={\"a\":'b'}"), Some("\u{fc}=|^`")] {
                    let url = url(&base, path, query);
                    let all = [base.path().trim_end_matches('/'), path].concat();
                    assert_eq!((url.path(), url.query()), (all.as_str(), query));
                    assert_eq!(url[..Position::BeforePath], base[..Position::BeforePath]);
                    assert_eq!(url.host(), base.host());
                }
            }
        }
    }
}
