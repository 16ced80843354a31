//! The provider of the OpenAI API and of everything compatible with it.

use crate::circuit_breaker::{CircuitBreaker, CircuitBreakerSettings};
use crate::provider::{ApiDump, Profile, Provider, ProviderError};
use crate::{objects, routes};
use aibridge_intercept::call::{CallBody, TimeoutScope, Timeouts};
use aibridge_intercept::credential::{Credential, KeyFailover};
use aibridge_intercept::objects::ObjectReference;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::tap::Subject;
use aibridge_intercept::{Call, Error, Interceptor, OneCall, ParsedRequest, Request, Upstream};
use aibridge_keypool::KeyPool;
use aibridge_recorder::Interception;
use http::{HeaderMap, Method, header};
use jiff::Timestamp;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// The type of every provider that speaks the OpenAI API.
const KIND: &str = "openai";

/// How to set up an [`OpenAi`].
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// Its name; empty means `openai`.
    pub name: String,
    /// Whether it serves.
    pub enabled: bool,
    /// Where its API is, with or without the final slash; empty means `https://api.openai.com/v1/`.
    pub base_url: String,
    /// A single key. An explicit `key_pool` wins over it.
    pub key: Option<SecretString>,
    /// Its keys; without any it is BYOK-only.
    pub key_pool: Option<KeyPool>,
    /// Added to every upstream request.
    pub extra_headers: HeaderMap,
    /// Whether the provider is told who asks.
    pub send_actor_headers: bool,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// When it is not called because it keeps failing; never, without.
    pub circuit_breaker: Option<CircuitBreakerSettings>,
    /// Where its traffic is dumped; nowhere, without.
    pub api_dump: Option<ApiDump>,
    /// Measures the cooldown of a single `key` and the times of the circuit breaker.
    pub clock: quanta::Clock,
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            name: KIND.into(),
            enabled: true,
            base_url: "https://api.openai.com/v1/".into(),
            key: None,
            key_pool: None,
            extra_headers: HeaderMap::new(),
            send_actor_headers: false,
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                response: Duration::from_secs(600),
                stream_idle: Duration::from_secs(300),
                keep_alive: Duration::from_secs(15),
            },
            circuit_breaker: None,
            api_dump: None,
            clock: quanta::Clock::new(),
        }
    }
}

/// A provider that speaks the OpenAI API.
#[derive(Debug)]
pub struct OpenAi {
    profile: Profile,
}

impl OpenAi {
    /// Sets up a provider. What it keeps holds no single key: a client's own credential can never mix with one.
    ///
    /// # Errors
    ///
    /// When the base URL or the keys cannot be used.
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
        let keys = KeyFailover::new(pool, header::AUTHORIZATION);
        let upstream = Upstream::new(base_url.clone(), keys, config.timeouts)
            .map_err(|source| ProviderError::Connections { name: name.clone(), source })?;
        Ok(Self {
            profile: Profile {
                kind: KIND,
                route_prefix: format!("/{name}/v1"),
                name,
                enabled: config.enabled,
                base_url,
                routes: routes::OPENAI,
                auth_header: header::AUTHORIZATION,
                extra_headers: config.extra_headers,
                send_actor_headers: config.send_actor_headers,
                circuit_breaker,
                api_dump: config.api_dump,
                upstream: Arc::new(upstream),
            },
        })
    }

    fn interception(
        &self,
        request: &Request,
        asked: &ParsedRequest,
        credential: &Credential,
    ) -> Interception {
        let user_agent = request.headers.get(header::USER_AGENT);
        Interception {
            id: Uuid::now_v7(),
            initiator_id: request.actor.id.clone(),
            provider: KIND.to_owned(),
            provider_name: self.profile.name.clone(),
            model: asked.model.clone().unwrap_or_else(|| "unknown".to_owned()),
            route: request.route.clone(),
            streaming: asked.streaming,
            client: asked.client.name.to_owned(),
            client_session_id: asked.client.session_id.clone(),
            user_agent: user_agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            credential_kind: credential.kind(),
            credential_hint: credential.initial_hint(),
            correlating_tool_call_id: asked.correlating_tool_call_id.clone(),
            metadata: request.actor.metadata.clone(),
            started_at: Timestamp::now(),
        }
    }
}

impl Provider for OpenAi {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn object_in_path(&self, path: &str) -> Option<ObjectReference> {
        objects::in_path(path)
    }

    fn may_refer_to_objects(&self, path: &str) -> bool {
        objects::may_be_in_body(path)
    }

    fn objects_in_body(&self, body: &[u8]) -> Result<Vec<ObjectReference>, Error> {
        aibridge_responses::referenced_objects(body)
    }

    fn makes_object(&self, method: &Method, path: &str) -> bool {
        objects::are_made_by(method, path)
    }

    fn create_interceptor(&self, request: Request) -> Result<Box<dyn Interceptor>, Error> {
        let credential = self.credential(&request.headers)?;
        let asked = match request.route.as_str() {
            "/chat/completions" => aibridge_chatcompletions::parse_request(&request)?,
            "/responses" | "/responses/compact" => aibridge_responses::parse_request(&request)?,
            _ => return Err(Error::UnknownRoute { method: "POST".into(), path: request.route }),
        };
        let interception = self.interception(&request, &asked, &credential);
        let guard = self.circuit_breaker().map(|breaker| breaker.guard(&request.route, &interception.model));
        let tap = self.profile.tap(|| Subject {
            id: interception.id,
            model: Some(interception.model.clone()),
            started_at: interception.started_at,
        });
        let decompressed = asked.edited.is_some() && request.body.encoding.is_some();
        let headers =
            self.profile.upstream_headers(&request.headers, &request.actor, &credential, decompressed);
        Ok(Box::new(OneCall {
            interception: Arc::new(interception),
            prompt: asked.prompt,
            references: asked.references,
            upstream: self.profile.upstream.clone(),
            call: Call {
                method: Method::POST,
                path: request.route,
                query: request.query,
                headers,
                body: CallBody::Replayable(asked.edited.unwrap_or_else(|| Payload::from(request.body.wire))),
                model: asked.model,
                credential,
                timeout_scope: if asked.streaming { TimeoutScope::Head } else { TimeoutScope::Whole },
                guard,
                tap,
            },
            observer: asked.observer,
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

#[cfg(test)]
mod tests;
