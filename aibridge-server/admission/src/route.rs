//! Finds the provider and the route of a request. Strict on purpose: a path that two parsers could read in two ways is
//! refused.

mod path;
mod token;

use crate::refusal::Refusal;
use aibridge_intercept::ErrorFormat;
use aibridge_provider::{Provider, Route};
use aibridge_recorder::CredentialKind;
use http::{HeaderMap, Method, Uri, header};
use std::sync::Arc;

/// The destination of a request.
pub struct Target {
    /// The provider that serves the request.
    pub provider: Arc<dyn Provider>,
    /// The matching route of the provider.
    pub route: Route,
    /// The path below the provider's prefix.
    pub path: String,
}

/// Finds the destination of a request.
///
/// # Errors
///
/// [`Refusal::TokenInUrl`], [`Refusal::InvalidPath`], [`Refusal::UnknownRoute`], [`Refusal::MethodNotAllowed`], and on bridged
/// routes [`Refusal::WebsocketUnsupported`]. [`Target::allow`] checks the methods that depend on the credential.
pub fn find(
    providers: &[Arc<dyn Provider>],
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Target, Refusal> {
    if token::is_in(uri) {
        return Err(Refusal::TokenInUrl);
    }
    let path = uri.path();
    let served = provider_of(providers, path);
    let id =
        served.and_then(|(provider, rest)| Some(path.len() - rest.len() + provider.routes.slashed_id(rest)?));
    if !path::is_unambiguous(path, id) {
        return Err(Refusal::InvalidPath(path.to_owned()));
    }
    let unknown = || Refusal::UnknownRoute { method: method.to_string(), path: path.to_owned() };
    let (provider, rest) = served.ok_or_else(unknown)?;
    let route = provider.find_route(method, rest).ok_or_else(unknown)?;
    if route == Route::Bridged("/responses") && method != Method::POST && requests_websocket(headers) {
        return Err(Refusal::WebsocketUnsupported);
    }
    let refused = match (provider.methods(&route, rest), &route) {
        (Some(allow), _) => (!allow.split(", ").any(|allowed| allowed == method.as_str())).then_some(allow),
        (None, Route::Passthrough(entry)) if is_never_relayed(method) => {
            let is_read_only = provider.routes.is_read_only(entry);
            Some(if is_read_only { READING_METHODS } else { PASSTHROUGH_METHODS }.into())
        }
        (None, _) => None,
    };
    if let Some(allow) = refused {
        return Err(Refusal::MethodNotAllowed { method: method.to_string(), path: path.to_owned(), allow });
    }
    Ok(Target { provider: provider.clone(), route, path: rest.to_owned() })
}

/// The format of errors for `path`: that of the API that it belongs to. Without a provider, that of the OpenAI API.
pub fn error_format(providers: &[Arc<dyn Provider>], path: &str) -> ErrorFormat {
    provider_of(providers, path).map_or(ErrorFormat::OpenAi, |(provider, rest)| provider.error_format(rest))
}

/// The provider that serves `path`, and the path below its prefix. The longest prefix wins, so that a provider without a
/// version in its prefix hides no other one.
fn provider_of<'a, 'p>(
    providers: &'a [Arc<dyn Provider>],
    path: &'p str,
) -> Option<(&'a Arc<dyn Provider>, &'p str)> {
    let below =
        |provider: &'a Arc<dyn Provider>| Some((provider, path.strip_prefix(provider.route_prefix())?));
    let served = providers.iter().filter_map(below);
    let served = served.filter(|(_, rest)| rest.is_empty() || rest.starts_with('/'));
    served.max_by_key(|(provider, _)| provider.route_prefix().len())
}

impl Target {
    /// Whether the response may cost tokens, so that the token limit applies.
    pub fn spends_tokens(&self) -> bool {
        matches!(self.route, Route::Bridged(_) | Route::Further(_))
    }

    /// Whether no limit of the settings applies to the request, because it costs nothing.
    pub fn is_unlimited(&self) -> bool {
        matches!(self.route, Route::Passthrough(entry) if self.provider.routes.is_unlimited(entry))
    }

    /// Checks that a request with a pooled key uses only `GET` or `HEAD` on a read-only route. A pooled key may have more
    /// rights than a client should have.
    ///
    /// # Errors
    ///
    /// [`Refusal::MethodNotAllowed`] for another method.
    pub fn allow(&self, method: &Method, uri: &Uri, credential: CredentialKind) -> Result<(), Refusal> {
        let is_read_only = matches!(self.route, Route::Passthrough(entry)
            if credential == CredentialKind::Centralized && self.provider.routes.is_read_only(entry));
        if !is_read_only || matches!(*method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let (method, path) = (method.to_string(), uri.path().to_owned());
        Err(Refusal::MethodNotAllowed { method, path, allow: READING_METHODS.into() })
    }
}

/// The methods of read-only routes, for `Allow`. With its own key, a client may use others.
const READING_METHODS: &str = "GET, HEAD";

/// The standard methods of passthrough routes, for `Allow`. Extension methods are passed through as well.
const PASSTHROUGH_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Whether `method` is never relayed: `CONNECT` has no path to check, and the response to `TRACE` holds the request, the
/// pooled key included (RFC 9110 §9.3.6, §9.3.8).
fn is_never_relayed(method: &Method) -> bool {
    matches!(*method, Method::CONNECT | Method::TRACE)
}

/// Whether `Upgrade` names the WebSocket protocol (RFC 6455 §4.1).
fn requests_websocket(headers: &HeaderMap) -> bool {
    let protocols = headers.get_all(header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    protocols.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("websocket"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_provider::{OpenAi, OpenAiConfig};
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static PROVIDERS: LazyLock<[Arc<dyn Provider>; 2]> = LazyLock::new(|| {
        ["openai", "openai-2"].map(|name| {
            let config = OpenAiConfig { name: name.into(), ..OpenAiConfig::default() };
            Arc::new(OpenAi::new(config).unwrap()) as Arc<dyn Provider>
        })
    });

    fn found(method: Method, path: &str) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        if method == Method::CONNECT {
            headers.insert(header::UPGRADE, "h2c, WebSocket".parse().unwrap());
        }
        find(&*PROVIDERS, &method, &path.parse().unwrap(), &headers)
            .map(|target| format!("{} {:?} {}", target.provider.name(), target.route, target.path))
            .map_err(|error| error.code())
    }

    #[test]
    fn the_prefix_names_the_provider() {
        let chat = "Bridged(\"/chat/completions\") /chat/completions";
        assert_eq!(found(Method::POST, "/openai/v1/chat/completions").unwrap(), format!("openai {chat}"));
        assert_eq!(found(Method::POST, "/openai-2/v1/chat/completions").unwrap(), format!("openai-2 {chat}"));
        assert_eq!(
            found(Method::DELETE, "/openai/v1/responses/r").unwrap(),
            "openai Passthrough(\"/responses/\") /responses/r"
        );
        assert_eq!(
            found(Method::GET, "/openai/v1/models/gpt-4.1?x=%2e").unwrap(),
            "openai Passthrough(\"/models/\") /models/gpt-4.1"
        );
        for path in [
            "/",
            "/openai",
            "/openai/v1",
            "/openai/v1/",
            "/openai/v2/models",
            "/openaix/v1/models",
            "/v1/models",
        ] {
            assert_eq!(found(Method::GET, path), Err("unknown_route"), "{path}");
        }
    }

    #[test]
    fn model_ids_may_contain_encoded_slashes() {
        assert_eq!(
            found(Method::GET, "/openai/v1/models/openai%2Fgpt-oss-120b").unwrap(),
            "openai Passthrough(\"/models/\") /models/openai%2Fgpt-oss-120b"
        );
        for path in ["/openai/v1/models%2Fa", "/openai/v1/responses/a%2Fb", "/nobody/v1/models/a%2Fb"] {
            assert_eq!(found(Method::GET, path), Err("invalid_path"), "{path}");
        }
    }

    proptest! {
        /// No spelling of a bridged route with parts that servers ignore is passed through.
        #[test]
        fn no_other_spelling_of_a_bridged_route_is_passed_through(
            route in prop::sample::select(&["/chat/completions", "/responses", "/responses/compact", "/embeddings"][..]),
            spelling in prop::collection::vec((0..4_u8, 0..8_u8), 20),
            end in "(/|;[a-z=/]{0,3}|%3[bB]x){0,3}",
        ) {
            let spelled: String = route.bytes().zip(spelling.iter().cycle()).map(|(byte, (how, insert))| {
                let before = match (byte, insert) {
                    (b'/', 0) => ";v=1",
                    (b'/', 1) => "/;x",
                    _ => "",
                };
                before.to_owned() + &match how {
                    0 if byte != b'/' => format!("%{byte:02x}"),
                    1 if byte != b'/' => format!("%{byte:02X}"),
                    2 => char::from(byte.to_ascii_uppercase()).to_string(),
                    _ => char::from(byte).to_string(),
                }
            }).collect();
            let path = format!("/openai/v1{spelled}{end}");
            let found = found(Method::POST, &path);
            prop_assert!(found.as_ref().map_or(true, |found| found.contains("Bridged") && spelled == route), "{path} {found:?}");
        }

        /// The same for random paths.
        #[test]
        fn what_reads_as_a_bridged_route_is_not_passed_through(
            rest in "(/|//|;|;a|%3b|%2f|%2F|%2e|%25|\\.|r|R|%72|%52|responses|Responses|res%70onses|compact|COMPACT|comp%61ct|models){1,8}",
        ) {
            let path = format!("/openai/v1/responses/{rest}");
            let decoded = percent_decode_str(&path).decode_utf8_lossy().to_lowercase();
            let segments = decoded.split('/').map(|segment| segment.split(';').next().unwrap());
            let read: Vec<&str> = segments.filter(|segment| !segment.is_empty()).skip(2).collect();
            if let ["responses"] | ["responses", "compact"] = read[..] {
                let found = found(Method::POST, &path);
                prop_assert!(found.as_ref().map_or(true, |found| found.contains("Bridged")), "{path} {found:?}");
            }
        }
    }

    #[test]
    fn connect_and_trace_are_not_relayed() {
        for (path, expected) in
            [("/openai/v1/models/m", READING_METHODS), ("/openai/v1/conversations", PASSTHROUGH_METHODS)]
        {
            for method in [Method::CONNECT, Method::TRACE] {
                let refusal = find(&*PROVIDERS, &method, &path.parse().unwrap(), &HeaderMap::new()).err();
                let Some(Refusal::MethodNotAllowed { allow, .. }) = refusal else {
                    panic!("{method} {path}")
                };
                assert_eq!(allow, expected, "{method} {path}");
            }
        }
        for method in [Method::HEAD, Method::OPTIONS, Method::from_bytes(b"PURGE").unwrap()] {
            assert_eq!(
                found(method, "/openai/v1/models").unwrap(),
                "openai Passthrough(\"/models\") /models"
            );
        }
    }

    #[test]
    fn bridged_routes_accept_post_only() {
        for method in [Method::GET, Method::PUT, Method::OPTIONS, Method::HEAD] {
            assert_eq!(found(method, "/openai/v1/responses"), Err("method_not_allowed"));
        }
        assert_eq!(found(Method::GET, "/openai/v1/responses/compact"), Err("method_not_allowed"));
        assert_eq!(found(Method::CONNECT, "/openai/v1/responses"), Err("websocket_unsupported"));
        assert_eq!(found(Method::CONNECT, "/openai/v1/chat/completions"), Err("method_not_allowed"));
    }
}
