use crate::circuit_breaker::CircuitBreaker;
use crate::routes::Routes;
use aibridge_intercept::call::{CallBody, TimeoutScope};
use aibridge_intercept::credential::{Credential, KeyFailover};
use aibridge_intercept::headers::RequestHeaderRules;
use aibridge_intercept::objects::ObjectReference;
use aibridge_intercept::tap::{CallTap, Subject, Tap};
use aibridge_intercept::{Actor, Error, Interceptor, Request, Upstream, UpstreamCall};
use aibridge_recorder::CredentialKind;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// What a provider is.
#[derive(Debug)]
pub struct Profile {
    /// Its type, e.g. `openai`: the dialect that it speaks.
    pub kind: &'static str,
    /// Its configured name: the first segment of its paths.
    pub name: String,
    /// Whether it serves.
    pub enabled: bool,
    /// Where its API is, with a final slash.
    pub base_url: Url,
    /// `/{name}/v1`: the version is in the prefix, so that it matches the API's own base URL.
    pub route_prefix: String,
    /// What it serves.
    pub routes: Routes,
    /// The header that carries the key.
    pub auth_header: HeaderName,
    /// Added to every upstream request.
    pub extra_headers: HeaderMap,
    /// Whether the provider is told who asks.
    pub send_actor_headers: bool,
    /// What keeps it from being called while it fails, if that is wanted.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Where its traffic is dumped, if that is wanted.
    pub api_dump: Option<ApiDump>,
    /// Its connections and keys.
    pub upstream: Arc<Upstream>,
}

/// The dumps of a provider's traffic.
#[derive(Debug, Clone)]
pub struct ApiDump {
    /// The folder that they are in.
    pub dir: PathBuf,
    /// What writes them there.
    pub tap: Arc<dyn Tap>,
}

/// A request on a passthrough route, authenticated but unread.
#[derive(Debug)]
pub struct PassThrough {
    /// Its method.
    pub method: Method,
    /// The path below the route prefix.
    pub path: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// The client's headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: CallBody,
    /// On whose behalf.
    pub actor: Actor,
}

/// A provider: data, and the making of interceptors.
pub trait Provider: Send + Sync {
    /// What it is.
    fn profile(&self) -> &Profile;

    /// Makes the interceptor for `request`: draws a fresh id, decides between BYOK and centralized, reads the request
    /// in the dialect of its route.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRoute`] if the route is not bridged, [`Error::NoCredential`] if there is nothing to
    /// authenticate with, and what the dialect refuses.
    fn create_interceptor(&self, request: Request) -> Result<Box<dyn Interceptor>, Error>;

    /// Its type, e.g. `openai`.
    fn kind(&self) -> &'static str {
        self.profile().kind
    }

    /// Its configured name.
    fn name(&self) -> &str {
        &self.profile().name
    }

    /// Whether it serves.
    fn enabled(&self) -> bool {
        self.profile().enabled
    }

    /// Where its API is.
    fn base_url(&self) -> &Url {
        &self.profile().base_url
    }

    /// What its paths here begin with.
    fn route_prefix(&self) -> &str {
        &self.profile().route_prefix
    }

    /// Paths that are intercepted.
    fn bridged_routes(&self) -> &'static [&'static str] {
        self.profile().routes.bridged
    }

    /// Paths that are relayed unread.
    fn passthrough_routes(&self) -> &'static [&'static str] {
        self.profile().routes.passthrough
    }

    /// The header that carries the key.
    fn auth_header(&self) -> &HeaderName {
        &self.profile().auth_header
    }

    /// The pool, what counts as BYOK, how a key is put into headers, and the answer when the pool is exhausted.
    fn key_failover(&self) -> &KeyFailover {
        self.profile().upstream.keys()
    }

    /// What keeps it from being called while it fails: its settings and circuits. The answer of an open one is
    /// [`Error::CircuitOpen`].
    fn circuit_breaker(&self) -> Option<&CircuitBreaker> {
        self.profile().circuit_breaker.as_ref()
    }

    /// The folder that its traffic is dumped to.
    fn api_dump_dir(&self) -> Option<&Path> {
        self.profile().api_dump.as_ref().map(|dump| dump.dir.as_path())
    }

    /// What authenticates a request with these headers.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredential`] if the client brought nothing and there are no keys.
    fn credential(&self, headers: &HeaderMap) -> Result<Credential, Error> {
        self.key_failover().credential(headers).ok_or_else(|| Error::NoCredential(self.name().to_owned()))
    }

    /// Whose key authenticates a request with these headers.
    ///
    /// # Errors
    ///
    /// As [`Self::credential`].
    fn credential_kind(&self, headers: &HeaderMap) -> Result<CredentialKind, Error> {
        let kind = self.key_failover().credential_kind(headers);
        kind.ok_or_else(|| Error::NoCredential(self.name().to_owned()))
    }

    /// The object that lives at the provider and that `path`, below the route prefix, is about.
    fn object_in_path(&self, _path: &str) -> Option<ObjectReference> {
        None
    }

    /// Whether the body of a passthrough request to `path` may refer to objects that live at the provider.
    fn may_refer_to_objects(&self, _path: &str) -> bool {
        false
    }

    /// The objects that such a body, which is not empty, refers to.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`] if it cannot be read, [`Error::InvalidParameter`] if they are too many.
    fn objects_in_body(&self, _body: &[u8]) -> Result<Vec<ObjectReference>, Error> {
        Ok(Vec::new())
    }

    /// Whether a successful answer to a passthrough request is an object that the request made.
    fn creates_object(&self, _method: &Method, _path: &str) -> bool {
        false
    }

    /// The upstream call for a request on a passthrough route.
    fn pass_through(&self, request: PassThrough, credential: Credential) -> UpstreamCall {
        let mut headers =
            self.profile().upstream_headers(&request.headers, &request.actor, &credential, false);
        if request.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0") {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        UpstreamCall {
            headers,
            method: request.method,
            path: request.path,
            query: request.query,
            body: request.body,
            model: None,
            credential,
            timeout_scope: TimeoutScope::Head,
            guard: None,
            tap: self.profile().tap(|| Subject {
                id: Uuid::now_v7(),
                model: None,
                started_at: Timestamp::now(),
            }),
        }
    }
}

impl Profile {
    /// What sees a call about this on the wire.
    pub(crate) fn tap(&self, subject: impl FnOnce() -> Subject) -> Option<CallTap> {
        self.api_dump.as_ref().map(|dump| CallTap { tap: dump.tap.clone(), subject: subject() })
    }

    /// The headers of an upstream request, without its credential.
    pub(crate) fn upstream_headers(
        &self,
        client: &HeaderMap,
        actor: &Actor,
        credential: &Credential,
        decompressed: bool,
    ) -> HeaderMap {
        RequestHeaderRules {
            centralized: matches!(credential, Credential::Centralized(_)),
            decompressed,
            extra: &self.extra_headers,
            actor: self.send_actor_headers.then_some(actor),
        }
        .apply(client)
    }
}

/// Why a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Not an `http` or `https` URL.
    #[error(
        "the provider {name:?} cannot use the base URL {url:?}: write an http or https URL without query or fragment"
    )]
    BaseUrl {
        /// Whose.
        name: String,
        /// Which.
        url: String,
    },
    /// The keys cannot be used.
    #[error("the provider {name:?} cannot use its keys: {source}")]
    Keys {
        /// Whose.
        name: String,
        /// Why.
        source: aibridge_keypool::KeyPoolError,
    },
    /// Connections cannot be set up.
    #[error("the provider {name:?} cannot set up connections: {source}")]
    Connections {
        /// Whose.
        name: String,
        /// Why.
        source: reqwest::Error,
    },
}
