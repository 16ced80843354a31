//! The routes of a provider. The list is a security boundary: a pooled key may have more permissions than clients should,
//! and passthrough requests are not recorded.

use aibridge_intercept::ErrorFormat;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::sync::Arc;

/// The routes of a provider, below its route prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routes {
    /// The bridged routes: exact paths, for `POST` only.
    pub bridged: &'static [&'static str],
    /// The passthrough routes. An entry that ends with a slash also matches every path below it.
    pub passthrough: &'static [&'static str],
    /// The entries of `passthrough` whose paths name objects of an actor. Only the canonical form of such a path is
    /// accepted.
    pub objects: &'static [&'static str],
    /// The entries of `passthrough` on which a pooled key is used for `GET` and `HEAD` only.
    pub read_only: &'static [&'static str],
    /// The entries of `passthrough` with ids that may contain encoded slashes.
    pub slashed_ids: &'static [&'static str],
    /// The entries of `passthrough` with the only methods that they have, as in `Allow`. Other entries have all.
    pub methods: &'static [(&'static str, &'static str)],
    /// The entries of `passthrough` that cost nothing. No limit of the settings applies to them, and the provider's limits
    /// for them are separate.
    pub unlimited: &'static [&'static str],
    /// The routes that the gateway answers itself, without a token, with an empty response.
    pub local: &'static [LocalRoute],
    /// The format of errors by the start of the path. The first match counts.
    pub errors: &'static [(&'static str, ErrorFormat)],
}

/// A route that the gateway answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalRoute {
    /// The path. One of several segments that ends with a slash also matches every path below it.
    pub path: &'static str,
    /// The methods, as in `Allow`.
    pub methods: &'static str,
}

/// The route that a path belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A bridged route, whose requests are intercepted and recorded.
    Bridged(&'static str),
    /// A passthrough route, whose requests are relayed without being recorded: the matching entry.
    Passthrough(&'static str),
    /// A passthrough route that the settings open: its path, as they spell it.
    Further(Arc<str>),
    /// A route that the gateway answers itself.
    Local,
}

impl Route {
    /// The path of the matching entry; empty for a local route.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::Bridged(name) | Self::Passthrough(name) => (*name).into(),
            Self::Further(name) => name.clone(),
            Self::Local => "".into(),
        }
    }
}

impl Routes {
    /// The routes of an API that serves none.
    pub const NONE: Self = Self {
        bridged: &[],
        passthrough: &[],
        objects: &[],
        read_only: &[],
        slashed_ids: &[],
        methods: &[],
        unlimited: &[],
        local: &[],
        errors: &[],
    };

    /// The route of `path`, which starts with a slash. `None` if there is none, or if a provider may read `path` as an
    /// alias of a bridged route or of another path of an object.
    pub fn find(&self, path: &str) -> Option<Route> {
        if let Some(route) = self.bridged.iter().find(|route| **route == path) {
            return Some(Route::Bridged(route));
        }
        if self.local_route(path).is_some() {
            return Some(Route::Local);
        }
        let entry = self
            .passthrough
            .iter()
            .find(|route| path == **route || (route.ends_with('/') && path.starts_with(**route)))?;
        let is_alias = self.bridged.iter().any(|route| is_alias_of(path, route))
            || (self.objects.contains(entry) && path != *entry && !is_canonical(path));
        (!is_alias).then_some(Route::Passthrough(entry))
    }

    fn local_route(&self, path: &str) -> Option<&'static LocalRoute> {
        self.local.iter().find(|route| {
            let is_below = route.path.len() > 1 && route.path.ends_with('/') && path.starts_with(route.path);
            route.path == path || is_below
        })
    }

    /// The only methods of the passthrough `entry`, as in `Allow`; `None` if it has all.
    pub(crate) fn passthrough_methods(&self, entry: &str) -> Option<&'static str> {
        self.methods.iter().find(|(path, _)| *path == entry).map(|(_, methods)| *methods)
    }

    /// The methods of the local route of `path`, as in `Allow`.
    pub(crate) fn local_methods(&self, path: &str) -> Option<&'static str> {
        self.local_route(path).map(|route| route.methods)
    }

    /// Whether no limit applies to the passthrough `entry`.
    pub fn is_unlimited(&self, entry: &str) -> bool {
        self.unlimited.contains(&entry)
    }

    /// The format of the errors for `path`.
    pub fn error_format(&self, path: &str) -> ErrorFormat {
        let found = self.errors.iter().find(|(start, _)| path.starts_with(start));
        found.map_or(ErrorFormat::OpenAi, |(_, format)| *format)
    }

    /// Whether a pooled key is used for `GET` and `HEAD` only on the passthrough `entry`.
    pub fn is_read_only(&self, entry: &str) -> bool {
        self.read_only.contains(&entry)
    }

    /// The index in `path` of an id that may contain encoded slashes, if there is one.
    pub fn slashed_id(&self, path: &str) -> Option<usize> {
        self.slashed_ids.iter().find(|entry| path.starts_with(**entry)).map(|entry| entry.len())
    }
}

/// Whether `path` differs from `route` only in what servers may ignore: percent-encoding, letter case, `;parameters`, and
/// final or repeated slashes.
fn is_alias_of(path: &str, route: &str) -> bool {
    segments(path) == segments(route)
}

/// Whether `path` ends with an alias of `route`, after any prefix, such as the version of an API.
pub(crate) fn ends_with_alias_of(path: &str, route: &str) -> bool {
    segments(path).ends_with(&segments(route))
}

/// The segments of `path`, without what servers may ignore.
fn segments(path: &str) -> Vec<Vec<u8>> {
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    let segments = decoded.split(|byte| *byte == b'/').map(without_parameters);
    segments.filter(|name| !name.is_empty()).map(<[u8]>::to_ascii_lowercase).collect()
}

fn without_parameters(segment: &[u8]) -> &[u8] {
    segment.split(|byte| *byte == b';').next().unwrap_or_default()
}

/// Whether `path` is the only spelling of what it names. Ids of objects consist of letters, digits, `-`, `_`, `~`, and
/// inner `.` and `:`; servers may trim, cut or decode anything else.
pub(crate) fn is_canonical(path: &str) -> bool {
    let is_canonical_segment = |segment: &str| {
        let is_inner = |byte| b".:".contains(&byte);
        let ends = [segment.bytes().next(), segment.bytes().next_back()];
        segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || is_inner(byte))
            && ends.into_iter().all(|end| end.is_some_and(|byte| !is_inner(byte)))
    };
    path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_canonical_segment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ROUTES as OPENAI;

    #[test]
    fn routes_are_exact() {
        let bridged = ["/chat/completions", "/responses", "/responses/compact", "/embeddings"];
        for path in bridged {
            assert_eq!(OPENAI.find(path), Some(Route::Bridged(path)));
        }
        for (path, route) in [
            ("/models", "/models"),
            ("/models/", "/models/"),
            ("/models/gpt-4.1", "/models/"),
            ("/models/a/b", "/models/"),
            ("/models/%67pt;v=1/", "/models/"),
            ("/conversations", "/conversations"),
            ("/conversations/", "/conversations/"),
            ("/conversations/c/items", "/conversations/"),
            ("/conversations/a.b:c~d", "/conversations/"),
            ("/responses/resp_1", "/responses/"),
            ("/responses/resp_1/cancel", "/responses/"),
            ("/responses/compact/x", "/responses/"),
        ] {
            assert_eq!(OPENAI.find(path), Some(Route::Passthrough(route)), "{path}");
        }
        for path in [
            "",
            "/",
            "/chat",
            "/chat/completions/",
            "/chat/completions/x",
            "/completions",
            "/responses/",
            "/modelsx",
            "/model",
            "/embeddings/",
            "/Embeddings",
            "/files",
            "/Models",
            "models",
        ] {
            assert_eq!(OPENAI.find(path), None, "{path}");
        }
    }

    #[test]
    fn an_alias_of_another_path_is_no_route() {
        for path in [
            "/responses/Compact",
            "/responses/c%6fmpact",
            "/responses/c%6Fmpact",
            "/responses/compact/",
            "/responses/compact;v=1",
            "/responses/compact%3Bv=1",
            "/responses/;x/COMPACT;y/",
            "/responses/;x",
            "/responses/%3b",
            "/responses/resp_1/",
            "/responses/resp_1;v=1",
            "/responses/resp%5F1",
            "/responses/resp_1/%63ancel",
            "/conversations/c;v=1/items",
            "/conversations/c/items/",
            "/conversations/%63",
        ] {
            assert_eq!(OPENAI.find(path), None, "{path}");
        }
    }
}
