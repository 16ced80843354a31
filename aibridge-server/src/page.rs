//! The routes of the dashboard: its files, log-in and log-out.

use crate::admin::{Admin, not_allowed, unknown_route};
use aibridge_admission::Refusal;
use aibridge_dashboard::files::{self, PageFile};
use aibridge_dashboard::{cross_site, expired_cookie, parse_login, security_headers, session_cookie};
use aibridge_handler::body;
use aibridge_handler::runtime_config::RuntimeConfig;
use aibridge_intercept::{Error, ErrorKind, ErrorResponse};
use aibridge_listen::{Peer, Refuse};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::any;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use std::sync::Arc;
use std::time::Duration;

/// The largest body of a log-in, in bytes: an access token has 47.
const MAX_BODY: usize = 4 << 10;

/// The address of the page. With a slash behind it, it redirects here.
const PAGE: &str = "/dashboard";
const PAGE_WITH_SLASH: &str = "/dashboard/";

/// The address of the API, whose data the page shows.
const API: &str = "/api/v1";

const LOGIN: &str = "/dashboard/login";
const LOGOUT: &str = "/dashboard/logout";

/// Returns the routes of the dashboard.
pub fn routes(admin: Arc<Admin>) -> Router {
    let paths = [PAGE, PAGE_WITH_SLASH, "/dashboard/{*rest}"];
    let router = paths.iter().fold(Router::new(), |router, path| router.route(path, any(serve)));
    router.with_state(admin)
}

/// Returns the rendering of errors of requests that no route receives, because HTTP requires their refusal.
pub fn refusal(runtime_config: RuntimeConfig) -> Refuse {
    Arc::new(move |path, error| {
        let format = runtime_config.load().error_format(path);
        let mut response = error.into_http(format, None).map(Body::from);
        if is_below(path, PAGE) || is_below(path, API) {
            add_headers(response.headers_mut());
        }
        response
    })
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds the security headers, and forbids caches to store the response unless it allows it.
fn add_headers(headers: &mut HeaderMap) {
    security_headers(headers);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

async fn serve(State(admin): State<Arc<Admin>>, request: Request) -> Response<Body> {
    let (request, mut body) = request.into_parts();
    let response = admin.respond(&request, &mut body).await;
    let mut response = response.unwrap_or_else(crate::admin::render);
    add_headers(response.headers_mut());
    response
}

impl Admin {
    async fn respond(&self, request: &Parts, body: &mut Body) -> Result<Response<Body>, ErrorResponse> {
        let snapshot = self.app.runtime_config.load();
        if !snapshot.authenticator.requires_tokens() {
            snapshot.origin_policy.admit(request)?;
        }
        let is_read = matches!(request.method, Method::GET | Method::HEAD);
        match (request.uri.path(), &request.method) {
            (LOGIN, &Method::POST) => self.log_in(request, body).await,
            (LOGOUT, &Method::POST) => self.log_out(request),
            (LOGOUT, _) => Err(not_allowed(request, "POST").into()),
            (LOGIN, _) if !is_read => Err(not_allowed(request, "GET, HEAD, POST").into()),
            (PAGE_WITH_SLASH, _) if is_read => redirect(request),
            (path, _) => {
                let file = files::find(path).ok_or_else(|| unknown_route(request))?;
                if !is_read {
                    return Err(not_allowed(request, "GET, HEAD").into());
                }
                Ok(file_response(file, request))
            }
        }
    }

    /// Begins a session for the bearer of the access token in the body.
    async fn log_in(&self, request: &Parts, body: &mut Body) -> Result<Response<Body>, ErrorResponse> {
        require_same_origin(request)?;
        let address = Peer::of(request).remote.ip();
        let wait = self.throttle.remaining(address);
        if !wait.is_zero() {
            return Err(too_many_failures(wait));
        }
        let body = self.app.unless_cut(body::read(body, MAX_BODY)).await??;
        let checked = async {
            let invalid = Refusal::InvalidAccessToken("paste an access token, which begins with aib_");
            let token = parse_login(&body).map_err(|_| invalid)?;
            let snapshot = self.app.runtime_config.load();
            let identity = snapshot.authenticator.authenticate(&token).await?;
            Ok::<_, Refusal>((token, identity))
        };
        let (token, identity) = checked.await.inspect_err(|error| {
            if matches!(error, Refusal::InvalidAccessToken(_)) {
                self.throttle.add_failure(address);
                tracing::info!(%address, "refused a log-in to the dashboard");
            }
        })?;
        self.throttle.forget(address);
        let cookie = self.sessions.begin(token).and_then(|id| session_cookie(&id, self.is_secure(request)));
        tracing::info!(user = identity.user, admin = identity.admin, "a user logged in to the dashboard");
        Ok(empty(cookie.ok_or(Error::Internal)?))
    }

    fn log_out(&self, request: &Parts) -> Result<Response<Body>, ErrorResponse> {
        require_same_origin(request)?;
        self.sessions.end(&request.headers);
        Ok(empty(expired_cookie(self.is_secure(request)).ok_or(Error::Internal)?))
    }

    /// Whether the browser uses TLS, to the gateway or to a proxy before it.
    fn is_secure(&self, request: &Parts) -> bool {
        let has_tls = self.shared && self.app.runtime_config.load().listener.tls.is_some();
        has_tls || request.headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
    }
}

/// Redirects to the page, with the query.
fn redirect(request: &Parts) -> Result<Response<Body>, ErrorResponse> {
    let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = HeaderValue::try_from([PAGE, &query].concat()).map_err(|_| Error::Internal)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

fn require_same_origin(request: &Parts) -> Result<(), Refusal> {
    match cross_site::is_same_origin(request) {
        true => Ok(()),
        false => Err(Refusal::OriginNotAllowed("another site".to_owned())),
    }
}

/// A response without content that sets `cookie`.
fn empty(cookie: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

fn too_many_failures(wait: Duration) -> ErrorResponse {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message = format!("too many log-ins failed: try again in {seconds} s");
    ErrorResponse::new(StatusCode::TOO_MANY_REQUESTS, ErrorKind::RateLimit, "too_many_logins", message)
        .with_header(header::RETRY_AFTER, seconds)
}

/// The response with a file, or 304 if the browser has it. A new binary may have other files, so browsers revalidate them
/// each time.
fn file_response(file: &PageFile, request: &Parts) -> Response<Body> {
    let matches = |tags: &HeaderValue| {
        tags.to_str()
            .is_ok_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == file.etag))
    };
    let is_known = request.headers.get_all(header::IF_NONE_MATCH).iter().any(matches);
    let mut response = match is_known {
        true => Response::new(Body::empty()),
        false => Response::new(Body::from(file.content.clone())),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::try_from(&file.etag) {
        headers.insert(header::ETAG, etag);
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    }
    response
}
