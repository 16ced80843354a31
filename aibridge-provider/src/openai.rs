//! The provider of the OpenAI API and of compatible APIs.

use crate::circuit_breaker::{CircuitBreaker, CircuitBreakerSettings};
use crate::profile::{ApiDump, Profile};
use crate::provider::{Provider, ProviderError};
use crate::{objects, routes};
use aibridge_intercept::call::{CallBody, TimeoutScope, Timeouts};
use aibridge_intercept::credential::{Credential, KeyFailover};
use aibridge_intercept::payload::Payload;
use aibridge_intercept::tap::Subject;
use aibridge_intercept::{
    Error, Interceptor, ParsedRequest, Request, SingleCallInterceptor, Upstream, UpstreamCall, mask,
};
use aibridge_keypool::KeyPool;
use aibridge_presets::UsageChunk;
use aibridge_recorder::Interception;
use http::{HeaderMap, HeaderName, Method, header};
use jiff::Timestamp;
use secrecy::SecretString;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// The type of all providers of the OpenAI API.
const KIND: &str = "openai";

/// The configuration of an [`OpenAi`].
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// The name; empty means `openai`.
    pub name: String,
    /// Whether the gateway serves the provider's routes.
    pub enabled: bool,
    /// The base URL of the API, with or without the final slash; empty means `https://api.openai.com/v1/`.
    pub base_url: String,
    /// The prefix of the paths at the gateway; empty means `/{name}/v1`.
    pub route_prefix: String,
    /// The header of the keys: `Authorization` contains bearer tokens, another header the key alone.
    pub auth_header: HeaderName,
    /// The handling of the usage chunk of streams.
    pub usage_chunk: UsageChunk,
    /// Whether users pay the vendor a subscription, so that a request costs nothing.
    pub subscription: bool,
    /// A single key. An explicit `key_pool` takes precedence.
    pub key: Option<SecretString>,
    /// The key pool. Without any key, the provider is BYOK-only.
    pub key_pool: Option<KeyPool>,
    /// The headers to add to every upstream request.
    pub extra_headers: HeaderMap,
    /// Whether upstream requests contain headers with the actor.
    pub send_actor_headers: bool,
    /// The timeouts of upstream calls.
    pub timeouts: Timeouts,
    /// The settings of the circuit breaker; `None` for no circuit breaker.
    pub circuit_breaker: Option<CircuitBreakerSettings>,
    /// The dump of the provider's traffic; `None` for no dump.
    pub api_dump: Option<ApiDump>,
    /// The clock for the cooldown of a single `key` and for the circuit breaker.
    pub clock: quanta::Clock,
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            name: KIND.into(),
            enabled: true,
            base_url: "https://api.openai.com/v1/".into(),
            route_prefix: String::new(),
            auth_header: header::AUTHORIZATION,
            usage_chunk: UsageChunk::Add,
            subscription: false,
            key: None,
            key_pool: None,
            extra_headers: HeaderMap::new(),
            send_actor_headers: false,
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                response: Duration::from_secs(600),
                stream_idle: Duration::from_secs(300),
                keep_alive: Duration::from_secs(15),
                drain_on_disconnect: Duration::ZERO,
            },
            circuit_breaker: None,
            api_dump: None,
            clock: quanta::Clock::new(),
        }
    }
}

/// A provider of the OpenAI API. It dereferences to its [`Profile`].
#[derive(Debug)]
pub struct OpenAi {
    profile: Profile,
    usage_chunk: UsageChunk,
}

impl OpenAi {
    /// Creates a provider. A single `key` becomes a key pool of its own, so the provider itself holds no key that could
    /// be confused with a client's credential.
    ///
    /// # Errors
    ///
    /// A [`ProviderError`] if the base URL or the keys cannot be used, or the HTTP client cannot be created.
    pub fn new(config: OpenAiConfig) -> Result<Self, ProviderError> {
        let defaults = OpenAiConfig::default();
        let name = if config.name.is_empty() { defaults.name } else { config.name };
        let base_url = if config.base_url.is_empty() { defaults.base_url } else { config.base_url };
        let base_url = parse_base_url(&base_url)
            .ok_or_else(|| ProviderError::BaseUrl { name: name.clone(), url: base_url.clone() })?;
        let circuit_breaker =
            config.circuit_breaker.map(|settings| CircuitBreaker::new(settings, config.clock.clone()));
        let pool = match (config.key_pool, config.key) {
            (Some(pool), _) => Some(pool),
            (None, Some(key)) => Some(
                KeyPool::new(vec![key], config.clock)
                    .map_err(|source| ProviderError::Keys { name: name.clone(), source })?,
            ),
            (None, None) => None,
        };
        let route_prefix = match config.route_prefix.as_str() {
            "" => format!("/{name}/v1"),
            prefix => prefix.to_owned(),
        };
        let keys = KeyFailover::new(pool, config.auth_header.clone());
        let upstream = Upstream::new(base_url.clone(), keys, config.timeouts)
            .map_err(|source| ProviderError::Connections { name: name.clone(), source })?;
        Ok(Self {
            profile: Profile {
                kind: KIND,
                route_prefix,
                name,
                enabled: config.enabled,
                base_url,
                routes: routes::OPENAI,
                objects: objects::OPENAI,
                auth_header: config.auth_header,
                subscription: config.subscription,
                extra_headers: config.extra_headers,
                send_actor_headers: config.send_actor_headers,
                circuit_breaker,
                api_dump: config.api_dump,
                upstream: Arc::new(upstream),
            },
            usage_chunk: config.usage_chunk,
        })
    }

    fn interception(
        &self,
        request: &Request,
        parsed: &ParsedRequest,
        credential: &Credential,
    ) -> Interception {
        let user_agent = request.headers.get(header::USER_AGENT);
        Interception {
            id: Uuid::now_v7(),
            initiator_id: request.actor.id.clone(),
            provider: KIND.to_owned(),
            provider_name: self.profile.name.clone(),
            model: parsed.model.clone().unwrap_or_else(|| "unknown".to_owned()),
            route: request.route.clone(),
            streaming: parsed.streaming,
            client: parsed.client.name.to_owned(),
            client_session_id: parsed.client.session_id.as_deref().map(recordable),
            user_agent: user_agent.map(|agent| recordable(&String::from_utf8_lossy(agent.as_bytes()))),
            credential_kind: credential.kind(),
            credential_hint: credential.initial_hint(),
            correlating_tool_call_id: parsed.correlating_tool_call_id.clone(),
            metadata: request.actor.metadata.clone(),
            started_at: Timestamp::now(),
        }
    }
}

impl Deref for OpenAi {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        &self.profile
    }
}

impl Provider for OpenAi {
    fn create_interceptor(&self, request: Request) -> Result<Box<dyn Interceptor>, Error> {
        let credential = self.credential(&request.headers)?;
        let parsed = match request.route.as_str() {
            "/chat/completions" => aibridge_chatcompletions::parse_request(&request, self.usage_chunk)?,
            "/embeddings" => aibridge_chatcompletions::embeddings::parse_request(&request)?,
            "/responses" | "/responses/compact" => aibridge_responses::parse_request(&request)?,
            _ => return Err(Error::UnknownRoute { method: "POST".into(), path: request.route }),
        };
        let interception = self.interception(&request, &parsed, &credential);
        let guard = self.circuit_breaker().map(|breaker| breaker.guard(&request.route, &interception.model));
        let tap = self.profile.tap(|| Subject {
            id: interception.id,
            model: Some(interception.model.clone()),
            started_at: interception.started_at,
        });
        let decompressed = parsed.edited.is_some() && request.body.encoding.is_some();
        let headers =
            self.profile.upstream_headers(&request.headers, &request.actor, &credential, decompressed);
        Ok(Box::new(SingleCallInterceptor {
            interception: Arc::new(interception),
            prompt: parsed.prompt,
            references: parsed.references,
            upstream: self.profile.upstream.clone(),
            call: UpstreamCall {
                method: Method::POST,
                path: request.route,
                query: request.query,
                headers,
                body: CallBody::Replayable(parsed.edited.unwrap_or_else(|| Payload::from(request.body.wire))),
                model: parsed.model,
                credential,
                timeout_scope: if parsed.streaming { TimeoutScope::Head } else { TimeoutScope::Whole },
                guard,
                tap,
            },
            observer: parsed.observer,
        }))
    }
}

fn parse_base_url(text: &str) -> Option<Url> {
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/'))).ok()?;
    let usable = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none();
    usable.then_some(url)
}

/// A text of the client's for its record, without an access token that it may contain.
fn recordable(text: &str) -> String {
    mask::text(text).into_owned()
}

#[cfg(test)]
mod tests;
