//! Which provider and which route a path means. Strict on purpose: what two parsers could read in two ways is refused.

use aibridge_intercept::Error;
use aibridge_provider::{Provider, Route};
use http::{HeaderMap, Method, Uri, header};
use std::sync::Arc;

/// Where a request goes.
pub struct Target {
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// What the path is to it.
    pub route: Route,
    /// The path below the provider's prefix.
    pub path: String,
}

/// Finds where a request goes.
///
/// # Errors
///
/// [`Error::InvalidPath`], [`Error::UnknownRoute`], [`Error::MethodNotAllowed`], and on bridged routes
/// [`Error::WebsocketUnsupported`].
pub fn find(
    providers: &[Arc<dyn Provider>],
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Target, Error> {
    let path = uri.path();
    if !is_unambiguous(path) {
        return Err(Error::InvalidPath(path.to_owned()));
    }
    let unknown = || Error::UnknownRoute { method: method.to_string(), path: path.to_owned() };
    let (provider, rest) = providers
        .iter()
        .find_map(|provider| Some((provider, path.strip_prefix(provider.route_prefix())?)))
        .ok_or_else(unknown)?;
    let route = provider.profile().routes.find(rest).ok_or_else(unknown)?;
    let allow = match route {
        Route::Bridged("/responses") if method != Method::POST && asks_for_websocket(headers) => {
            return Err(Error::WebsocketUnsupported);
        }
        Route::Bridged(_) if method != Method::POST => "POST",
        Route::PassThrough(_) if is_about_the_connection(method) => PASSED_THROUGH,
        Route::Bridged(_) | Route::PassThrough(_) => {
            return Ok(Target { provider: provider.clone(), route, path: rest.to_owned() });
        }
    };
    Err(Error::MethodNotAllowed { method: method.to_string(), path: path.to_owned(), allow })
}

/// What may be used on routes that are passed through, besides whatever a provider makes up.
const PASSED_THROUGH: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// `CONNECT` has no path that an allow-list could be about, and `TRACE` is answered with the request, the pool's key
/// included (RFC 9110 §9.3.6, §9.3.8).
fn is_about_the_connection(method: &Method) -> bool {
    matches!(*method, Method::CONNECT | Method::TRACE)
}

/// No `.` or `..` segment, no empty segment, no encoded slash, dot, backslash or NUL, no raw backslash.
fn is_unambiguous(path: &str) -> bool {
    let encoded = |at: usize| {
        path.get(at + 1..at + 3).is_some_and(|hex| {
            ["2f", "2e", "5c", "00"].iter().any(|forbidden| hex.eq_ignore_ascii_case(forbidden))
        })
    };
    !path.contains('\\')
        && !path.contains("//")
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
        && !path.match_indices('%').any(|(at, _)| encoded(at))
}

/// RFC 6455 §4.1.
fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let protocols = headers.get_all(header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    protocols.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("websocket"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_provider::{OpenAi, OpenAiConfig};

    fn found(method: Method, path: &'static str) -> Result<String, &'static str> {
        let providers: Vec<Arc<dyn Provider>> = ["openai", "openai-2"]
            .iter()
            .map(|name| {
                let config = OpenAiConfig { name: (*name).into(), ..OpenAiConfig::default() };
                Arc::new(OpenAi::new(config).unwrap()) as Arc<dyn Provider>
            })
            .collect();
        let mut headers = HeaderMap::new();
        if method == Method::CONNECT {
            headers.insert(header::UPGRADE, "h2c, WebSocket".parse().unwrap());
        }
        find(&providers, &method, &path.parse().unwrap(), &headers)
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
            "openai PassThrough(\"/responses/\") /responses/r"
        );
        assert_eq!(
            found(Method::GET, "/openai/v1/models/gpt-4.1?x=%2e").unwrap(),
            "openai PassThrough(\"/models/\") /models/gpt-4.1"
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
    fn ambiguous_paths_are_refused() {
        for path in [
            "/openai/v1/models/../files",
            "/openai/v1/models/.",
            "/openai/v1/models/..",
            "/openai/v1//models",
            "/openai/v1/models//x",
            "//openai/v1/models",
            "/openai/v1/models/%2e%2e/files",
            "/openai/v1/models/a%2Fb",
            "/openai/v1/models/a%2fb",
            "/openai/v1/models/a%5Cb",
            "/openai/v1/models/a%5cb",
            "/openai/v1/models/a%00",
            "/openai/v1/models/a\\b",
        ] {
            assert_eq!(found(Method::GET, path), Err("invalid_path"), "{path}");
        }
        for path in [
            "/openai/v1/models/a%20b",
            "/openai/v1/models/...",
            "/openai/v1/models/a.b",
            "/openai/v1/models/.a",
        ] {
            assert!(found(Method::GET, path).is_ok(), "{path}");
        }
    }

    #[test]
    fn methods_that_are_about_the_connection_go_no_further() {
        for method in [Method::CONNECT, Method::TRACE] {
            assert_eq!(found(method, "/openai/v1/models"), Err("method_not_allowed"));
        }
        for method in [Method::HEAD, Method::OPTIONS, Method::from_bytes(b"PURGE").unwrap()] {
            assert_eq!(
                found(method, "/openai/v1/models").unwrap(),
                "openai PassThrough(\"/models\") /models"
            );
        }
    }

    #[test]
    fn bridged_routes_are_posted_to() {
        for method in [Method::GET, Method::PUT, Method::OPTIONS, Method::HEAD] {
            assert_eq!(found(method, "/openai/v1/responses"), Err("method_not_allowed"));
        }
        assert_eq!(found(Method::GET, "/openai/v1/responses/compact"), Err("method_not_allowed"));
        assert_eq!(found(Method::CONNECT, "/openai/v1/responses"), Err("websocket_unsupported"));
        assert_eq!(found(Method::CONNECT, "/openai/v1/chat/completions"), Err("method_not_allowed"));
    }
}
