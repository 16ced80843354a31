//! The data of a provider: its configuration, routes, connections and keys.

use crate::azure;
use crate::circuit_breaker::CircuitBreaker;
use crate::further_routes::FurtherRoutes;
use crate::objects::ObjectRules;
use crate::routes::{Route, Routes};
use aibridge_intercept::call::{CallBody, TimeoutScope};
use aibridge_intercept::credential::{Credential, KeyFailover};
use aibridge_intercept::headers::RequestHeaderRules;
use aibridge_intercept::objects::ObjectReference;
use aibridge_intercept::tap::{CallTap, Subject, Tap};
use aibridge_intercept::{Actor, Error, ErrorFormat, Upstream, UpstreamCall};
use aibridge_presets::UsageChunk;
use aibridge_recorder::CredentialKind;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// The data of a provider. The methods return the parts that other crates need.
#[derive(Debug)]
pub struct Profile {
    /// The type, e.g. `openai`.
    pub kind: &'static str,
    /// The configured name.
    pub name: String,
    /// Whether the gateway serves the provider's routes.
    pub enabled: bool,
    /// The base URL of the provider's API, with a final slash.
    pub base_url: Url,
    /// The prefix of the provider's paths, e.g. `/{name}/v1`. It contains the version if the base URLs of clients do.
    pub route_prefix: String,
    /// The bridged and passthrough routes.
    pub routes: Routes,
    /// The passthrough routes that the settings open.
    pub(crate) further_routes: FurtherRoutes,
    /// Whether the paths of Azure's deployments are bridged as well.
    pub azure_paths: bool,
    /// The rules by which passthrough requests refer to objects.
    pub objects: ObjectRules,
    /// The header that contains the provider key.
    pub auth_header: HeaderName,
    /// The handling of the usage chunk of streams.
    pub usage_chunk: UsageChunk,
    /// Whether users pay the vendor a subscription, so that a request costs nothing.
    pub subscription: bool,
    /// The headers to add to every upstream request.
    pub extra_headers: HeaderMap,
    /// Whether upstream requests contain headers with the actor.
    pub send_actor_headers: bool,
    /// The circuit breaker, if one is configured.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The dump of the provider's traffic, if one is configured.
    pub api_dump: Option<ApiDump>,
    /// The connections and keys.
    pub upstream: Arc<Upstream>,
}

/// The dump of a provider's traffic.
#[derive(Debug, Clone)]
pub struct ApiDump {
    /// The directory of the dump files.
    pub dir: PathBuf,
    /// The tap that writes the dump files.
    pub tap: Arc<dyn Tap>,
}

/// An authenticated request on a passthrough route. Its body is not read.
#[derive(Debug)]
pub struct PassthroughRequest {
    /// The HTTP method.
    pub method: Method,
    /// The path below the route prefix.
    pub path: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// The headers of the client.
    pub headers: HeaderMap,
    /// The request body.
    pub body: CallBody,
    /// The actor of the request.
    pub actor: Actor,
}

impl Profile {
    /// The type, e.g. `openai`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The configured name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the gateway serves the provider's routes.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// The base URL of the provider's API, with a final slash.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The prefix of the provider's paths, e.g. `/{name}/v1`.
    pub fn route_prefix(&self) -> &str {
        &self.route_prefix
    }

    /// The bridged routes, below the route prefix.
    pub fn bridged_routes(&self) -> &'static [&'static str] {
        self.routes.bridged
    }

    /// The passthrough routes, below the route prefix.
    pub fn passthrough_routes(&self) -> &'static [&'static str] {
        self.routes.passthrough
    }

    /// The route of `path`, below the route prefix, for a request with `method`. `None` if there is none, or if a provider
    /// may read `path` as an alias of another route.
    pub fn find_route(&self, method: &Method, path: &str) -> Option<Route> {
        if let Some((route, _)) = self.bridged_route(path) {
            return Some(Route::Bridged(route));
        }
        let further = || self.further_routes.find(&self.routes, method, path).map(Route::Further);
        self.routes.find(path).or_else(further)
    }

    /// The methods of `route`, with the path `path`, as in `Allow`; `None` if it has all.
    pub fn methods(&self, route: &Route, path: &str) -> Option<Cow<'static, str>> {
        match route {
            Route::Bridged(_) => Some("POST".into()),
            Route::Passthrough(entry) => self.routes.passthrough_methods(entry).map(Cow::from),
            Route::Further(_) => Some(self.further_routes.methods(path).into()),
            Route::Local => self.routes.local_methods(path).map(Cow::from),
        }
    }

    /// The bridged route that `path` spells, and the model in it.
    pub(crate) fn bridged_route<'a>(&self, path: &'a str) -> Option<(&'static str, Option<&'a str>)> {
        match self.routes.bridged.iter().find(|route| **route == path) {
            Some(route) => Some((route, None)),
            None if self.azure_paths => azure::bridged_route(path),
            None => None,
        }
    }

    /// The header that contains the provider key.
    pub fn auth_header(&self) -> &HeaderName {
        &self.auth_header
    }

    /// The key pool, the rules for BYOK credentials and for the headers that carry a key, and the error of an exhausted
    /// pool.
    pub fn key_failover(&self) -> &KeyFailover {
        self.upstream.keys()
    }

    /// The format of the errors for `path`, below the route prefix.
    pub fn error_format(&self, path: &str) -> ErrorFormat {
        self.routes.error_format(path)
    }

    /// The circuit breaker, if one is configured. A rejected call fails with [`Error::CircuitOpen`].
    pub fn circuit_breaker(&self) -> Option<&CircuitBreaker> {
        self.circuit_breaker.as_ref()
    }

    /// The directory of the dump files, if a dump is configured.
    pub fn api_dump_dir(&self) -> Option<&Path> {
        self.api_dump.as_ref().map(|dump| dump.dir.as_path())
    }

    /// The credential for a request with these headers.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredential`] if the request has no credential and the provider has no keys.
    pub fn credential(&self, headers: &HeaderMap) -> Result<Credential, Error> {
        self.key_failover().credential(headers).ok_or_else(|| self.no_credential())
    }

    /// The kind of the credential for a request with these headers.
    ///
    /// # Errors
    ///
    /// The same as those of [`Self::credential`].
    pub fn credential_kind(&self, headers: &HeaderMap) -> Result<CredentialKind, Error> {
        let kind = self.key_failover().credential_kind(headers);
        kind.ok_or_else(|| self.no_credential())
    }

    fn no_credential(&self) -> Error {
        let header = match self.auth_header {
            AUTHORIZATION => "Authorization: Bearer <key>".to_owned(),
            ref other => format!("{other}: <key>"),
        };
        Error::NoCredential { provider: self.name.clone(), header }
    }

    /// The object at the provider that `path`, below the route prefix, names.
    pub fn object_in_path(&self, path: &str) -> Option<ObjectReference> {
        (self.objects.in_path)(path)
    }

    /// Whether the body of a passthrough request to `path` may refer to objects at the provider.
    pub fn may_refer_to_objects(&self, path: &str) -> bool {
        (self.objects.may_be_in_body)(path)
    }

    /// The objects that the body of a passthrough request refers to. The body is not empty.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidJson`] if the body cannot be parsed, [`Error::InvalidParameter`] if it has too many references.
    pub fn objects_in_body(&self, body: &[u8]) -> Result<Vec<ObjectReference>, Error> {
        (self.objects.in_body)(body)
    }

    /// Whether the body of a successful response to a passthrough request is an object that the request created.
    pub fn creates_object(&self, method: &Method, path: &str) -> bool {
        (self.objects.is_creation)(method, path)
    }

    /// Creates the upstream call for a request on the passthrough route `entry`.
    pub fn passthrough_call(
        &self,
        entry: &str,
        request: PassthroughRequest,
        credential: Credential,
    ) -> UpstreamCall {
        let mut headers = self.upstream_headers(&request.headers, &request.actor, &credential, false);
        if request.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0") {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let model = request.body.model(&headers);
        UpstreamCall {
            base_url: None,
            headers,
            method: request.method,
            path: request.path,
            query: request.query,
            model,
            body: request.body,
            credential,
            timeout_scope: TimeoutScope::Head,
            has_separate_limits: self.routes.is_unlimited(entry),
            guard: None,
            tap: self.tap(|| Subject { id: Uuid::now_v7(), model: None, started_at: Timestamp::now() }),
        }
    }

    /// The tap for a call, if a dump is configured.
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
            auth_header: &self.auth_header,
            extra: &self.extra_headers,
            actor: self.send_actor_headers.then_some(actor),
        }
        .apply(client)
    }
}
