//! `routes`: further passthrough routes of a provider.

use aibridge_presets::{bridged, passthrough};
use aibridge_values::report::Report;
use http::Method;
use std::fmt;

/// The spellings of the rest of a path at the end of a route.
const REST: [&str; 2] = ["…", "..."];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A further passthrough route. Displays as in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherRoute {
    /// The only method.
    pub method: Method,
    /// The path below the route prefix. If `matches_rest`, it ends with a slash.
    pub path: String,
    /// Whether every path below `path` matches as well.
    pub matches_rest: bool,
}

impl fmt::Display for FurtherRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = if self.matches_rest { REST[0] } else { "" };
        write!(f, "{} {}{rest}", self.method, self.path)
    }
}

/// Resolves the routes of a provider of type `kind`. `None` if any has a problem.
pub(crate) fn resolve(
    raw: &[String],
    kind: &str,
    at: &str,
    report: &mut Report<'_>,
) -> Option<Vec<FurtherRoute>> {
    let mut routes: Vec<FurtherRoute> = Vec::new();
    for (index, text) in raw.iter().enumerate() {
        let route = parse(text, kind).and_then(|route| match routes.contains(&route) {
            true => Err(format!("{text:?} is a duplicate; remove one of them")),
            false => Ok(route),
        });
        routes.extend(report.keep(&format!("{at}[{index}]"), route));
    }
    (routes.len() == raw.len()).then_some(routes)
}

fn parse(text: &str, kind: &str) -> Result<FurtherRoute, String> {
    let advice = "write e.g. \"POST /moderations\" or \"GET /files/…\"";
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [method, path] = words[..] else {
        return Err(format!("{text:?} is not a method and a path; {advice}"));
    };
    if !METHODS.contains(&method) {
        return Err(format!("{method:?} is no method of a route; write {}", METHODS.join(", ")));
    }
    let rest = REST.iter().find_map(|rest| path.strip_suffix(rest));
    let matches_rest = rest.is_some();
    let path = rest.unwrap_or(path);
    if !path.starts_with('/') {
        return Err(format!("{path:?} does not begin with a slash; {advice}"));
    }
    let named = match matches_rest {
        true => path
            .strip_suffix('/')
            .ok_or_else(|| format!("{text:?} has no slash before the rest of the path; {advice}"))?,
        false => path,
    };
    let has_odd_segment = named.split('/').skip(1).any(|segment| !is_plain(segment));
    if has_odd_segment {
        return Err(format!(
            "{path:?} has a segment that servers may read differently; write letters, digits, \"-\", \"_\", \"~\" and \
             inner \".\" and \":\""
        ));
    }
    if let Some(bridged) = bridged::of(kind).into_iter().find(|bridged| reaches(named, matches_rest, bridged))
    {
        return Err(format!(
            "{text:?} opens another way to {bridged}, whose requests are recorded; write a more specific path"
        ));
    }
    if let Some(built_in) = passthrough::of(kind).into_iter().find(|built_in| serves(built_in, path)) {
        let rest = if built_in.ends_with('/') { REST[0] } else { "" };
        return Err(format!(
            "{text:?} has no effect, because the built-in route {built_in}{rest} with its own methods serves the path; \
             remove it"
        ));
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    Ok(FurtherRoute { method, path: path.to_owned(), matches_rest })
}

/// Whether the route with the path `named` reaches `bridged`, in any spelling and behind any prefix.
fn reaches(named: &str, matches_rest: bool, bridged: &str) -> bool {
    let (named, bridged) = (named.to_ascii_lowercase(), bridged.to_ascii_lowercase());
    let is_below = || named.is_empty() || bridged.starts_with(&format!("{named}/"));
    named.ends_with(&bridged) || matches_rest && is_below()
}

/// Whether the route `built_in` serves `path`, and every path below it if it ends with a slash.
fn serves(built_in: &str, path: &str) -> bool {
    path == built_in || built_in.ends_with('/') && path.starts_with(built_in)
}

fn is_plain(segment: &str) -> bool {
    let is_inner = |byte: u8| b".:".contains(&byte);
    let ends = [segment.bytes().next(), segment.bytes().next_back()];
    segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || is_inner(byte))
        && ends.into_iter().all(|end| end.is_some_and(|byte| !is_inner(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_method_and_a_path() {
        for (text, expected) in [
            ("POST /moderations", "POST /moderations"),
            ("POST /images/…", "POST /images/…"),
            ("GET /files/...", "GET /files/…"),
            (" GET  /a/b.c/d:e ", "GET /a/b.c/d:e"),
            ("POST /v1/messages/batches", "POST /v1/messages/batches"),
            ("GET /responses-archive/…", "GET /responses-archive/…"),
            ("POST /model", "POST /model"),
            ("GET /v1/models/…", "GET /v1/models/…"),
        ] {
            assert_eq!(
                parse(text, "openai").map(|route| route.to_string()).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn no_route_opens_another_way_to_a_bridged_one_or_repeats_a_built_in_one() {
        for (text, kind, expected) in [
            ("", "openai", "is not a method and a path"),
            ("/moderations", "openai", "is not a method and a path"),
            ("POST /a /b", "openai", "is not a method and a path"),
            ("post /moderations", "openai", "is no method"),
            ("TRACE /a", "openai", "is no method"),
            ("POST moderations", "openai", "does not begin with a slash"),
            ("GET /files…", "openai", "has no slash before the rest"),
            ("GET /", "openai", "has a segment"),
            ("GET /files/", "openai", "has a segment"),
            ("GET /a/../b", "openai", "has a segment"),
            ("GET /a//b", "openai", "has a segment"),
            ("GET /a%2Fb", "openai", "has a segment"),
            ("GET /a;b", "openai", "has a segment"),
            ("GET /…/b", "openai", "has a segment"),
            ("GET /…", "openai", "another way to /chat/completions"),
            ("POST /chat/completions", "openai", "another way to /chat/completions"),
            ("GET /Chat/Completions", "openai", "another way to /chat/completions"),
            ("POST /chat/…", "openai", "another way to /chat/completions"),
            ("POST /v1/chat/completions", "openai", "another way to /chat/completions"),
            ("POST /openai/deployments/m/embeddings", "openai", "another way to /embeddings"),
            ("POST /responses/…", "openai", "another way to /responses"),
            ("POST /v1/…", "anthropic", "another way to /v1/messages"),
            ("POST /v1/messages", "anthropic", "another way to /v1/messages"),
            ("DELETE /models/…", "openai", "the built-in route /models/… with its own methods"),
            ("DELETE /models/a/b", "openai", "the built-in route /models/… with its own methods"),
            ("POST /models", "openai", "the built-in route /models with its own methods"),
            ("GET /conversations/…", "openai", "the built-in route /conversations/… with"),
            ("DELETE /v1/models/...", "anthropic", "the built-in route /v1/models/… with"),
            ("GET /v1/messages/count_tokens", "anthropic", "the built-in route /v1/messages/count_tokens"),
            ("GET /api/event_logging/…", "anthropic", "the built-in route /api/event_logging/… with"),
            ("POST /agents/…", "copilot", "the built-in route /agents/… with"),
        ] {
            assert!(parse(text, kind).is_err_and(|message| message.contains(expected)), "{text}");
        }
    }
}
