//! A provider of one type: its configuration and the data of the type result in a [`Profile`].

use crate::circuit_breaker::CircuitBreaker;
use crate::config::ProviderConfig;
use crate::further_routes::FurtherRoutes;
use crate::interceptor;
use crate::objects::ObjectRules;
use crate::profile::Profile;
use crate::provider::{Provider, ProviderError};
use crate::routes::Routes;
use aibridge_intercept::credential::KeyFailover;
use aibridge_intercept::{Error, Interceptor, Request, Upstream};
use aibridge_keypool::KeyPool;
use http::HeaderName;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use url::Url;

/// The data of a type of providers.
#[derive(Debug)]
pub struct ApiData {
    /// The value of `type` in the settings, e.g. `openai`.
    pub kind: &'static str,
    /// The default base URL.
    pub base_url: &'static str,
    /// The part of the route prefix after the name: the version, if the base URLs of clients contain it.
    pub prefix_suffix: &'static str,
    /// The header that contains the provider key.
    pub auth_header: HeaderName,
    /// Whether clients always bring their own key, so that there is no pool.
    pub byok_only: bool,
    /// The bridged, passthrough and locally answered routes.
    pub routes: Routes,
    /// The rules by which passthrough requests refer to objects.
    pub objects: ObjectRules,
}

/// A type of providers.
pub trait Api: fmt::Debug + Send + Sync + 'static {
    /// The data of the type: its routes, defaults and headers.
    const DATA: ApiData;
}

/// A provider of the type `A`. It dereferences to its [`Profile`].
#[derive(Debug)]
pub struct ApiProvider<A> {
    profile: Profile,
    api: PhantomData<A>,
}

impl<A: Api> ApiProvider<A> {
    /// Creates a provider. A single `key` becomes a key pool of its own, so the provider itself holds no key that could
    /// be confused with a client's credential.
    ///
    /// # Errors
    ///
    /// A [`ProviderError`] if the base URL or the keys cannot be used, or the HTTP client cannot be created.
    pub fn new(config: ProviderConfig) -> Result<Self, ProviderError> {
        Ok(Self { profile: profile(A::DATA, config)?, api: PhantomData })
    }
}

impl<A> Deref for ApiProvider<A> {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        &self.profile
    }
}

impl<A: Api> Provider for ApiProvider<A> {
    fn create_interceptor(&self, request: Request) -> Result<Box<dyn Interceptor>, Error> {
        interceptor::create(&self.profile, request)
    }
}

fn profile(data: ApiData, config: ProviderConfig) -> Result<Profile, ProviderError> {
    let or_default = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
    let name = or_default(config.name, data.kind);
    let base_url = or_default(config.base_url, data.base_url);
    let base_url = parse_base_url(&base_url)
        .ok_or_else(|| ProviderError::BaseUrl { name: name.clone(), url: base_url })?;
    let circuit_breaker =
        config.circuit_breaker.map(|settings| CircuitBreaker::new(settings, config.clock.clone()));
    let pool = match (config.key_pool, config.key) {
        (None, None) => None,
        _ if data.byok_only => return Err(ProviderError::ByokOnly { name }),
        (Some(pool), _) => Some(pool),
        (None, Some(key)) => Some(
            KeyPool::new(vec![key], config.clock)
                .map_err(|source| ProviderError::Keys { name: name.clone(), source })?,
        ),
    };
    let auth_header = config.auth_header.unwrap_or(data.auth_header);
    let keys = KeyFailover::new(pool, auth_header.clone());
    let upstream = Upstream::new(base_url.clone(), keys, config.timeouts, &config.tls)
        .map_err(|source| ProviderError::Connections { name: name.clone(), source })?;
    Ok(Profile {
        kind: data.kind,
        route_prefix: or_default(config.route_prefix, &format!("/{name}{}", data.prefix_suffix)),
        name,
        enabled: config.enabled,
        base_url,
        routes: data.routes,
        further_routes: FurtherRoutes::new(config.further_routes),
        azure_paths: config.azure_paths,
        objects: data.objects,
        auth_header,
        usage_chunk: config.usage_chunk,
        subscription: config.subscription,
        extra_headers: config.extra_headers,
        send_actor_headers: config.send_actor_headers,
        circuit_breaker,
        api_dump: config.api_dump,
        upstream: Arc::new(upstream),
    })
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
