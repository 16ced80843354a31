//! Tests of providers.

use super::*;
use crate::{Anthropic, Copilot, OpenAi, OpenAiConfig};
use aibridge_intercept::{Actor, ErrorFormat, RequestBody};
use aibridge_recorder::CredentialKind;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

fn pool(keys: &[&str]) -> KeyPool {
    KeyPool::new(keys.iter().map(|key| SecretString::from(*key)).collect(), quanta::Clock::new()).unwrap()
}

fn request(route: &str, authorization: Option<&'static str>, body: &'static str) -> Request {
    let mut headers = HeaderMap::new();
    if let Some(value) = authorization {
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
    }
    Request {
        route: route.into(),
        query: None,
        headers,
        body: RequestBody::plain(Bytes::from_static(body.as_bytes())),
        actor: Actor::named("ann"),
    }
}

#[test]
fn empty_settings_mean_the_defaults_of_openai() {
    let provider =
        OpenAi::new(OpenAiConfig { name: String::new(), base_url: String::new(), ..Default::default() })
            .unwrap();
    assert_eq!(
        (provider.kind(), provider.name(), provider.route_prefix(), provider.enabled()),
        ("openai", "openai", "/openai/v1", true)
    );
    assert_eq!(provider.base_url().as_str(), "https://api.openai.com/v1/");
    assert_eq!(provider.auth_header(), header::AUTHORIZATION);
    assert_eq!(
        provider.bridged_routes(),
        ["/chat/completions", "/responses", "/responses/compact", "/embeddings"]
    );
    assert!(provider.passthrough_routes().contains(&"/models"));
}

#[test]
fn the_final_slash_of_a_base_url_is_optional() {
    for (text, expected) in [
        ("http://h:1/v1", Some("http://h:1/v1/")),
        ("http://h:1/v1/", Some("http://h:1/v1/")),
        ("https://h", Some("https://h/")),
        ("ftp://h/", None),
        ("http://h/?q", None),
        ("http://h/#f", None),
        ("h", None),
    ] {
        assert_eq!(parse_base_url(text).as_ref().map(Url::as_str), expected, "{text}");
    }
}

#[test]
fn an_explicit_pool_takes_precedence_over_a_single_key() {
    let with = |key: Option<&str>, key_pool| {
        OpenAi::new(OpenAiConfig { key: key.map(SecretString::from), key_pool, ..Default::default() })
            .unwrap()
    };
    let first = |provider: &OpenAi| {
        let mut walker = provider.key_failover().pool()?.walk();
        walker.next_key().map(|key| key.secret().expose_secret().to_owned())
    };
    assert_eq!(first(&with(Some("single"), Some(pool(&["a", "b"])))).as_deref(), Some("a"));
    assert_eq!(first(&with(Some("single"), None)).as_deref(), Some("single"));
    assert_eq!(first(&with(None, None)), None);
}

#[test]
fn an_interceptor_has_the_interception_and_its_credential() {
    let provider =
        OpenAi::new(OpenAiConfig { key_pool: Some(pool(&["sk-1"])), ..Default::default() }).unwrap();
    let table = [
        (
            "/chat/completions",
            None,
            r#"{"model":"m","stream":true}"#,
            "m",
            true,
            CredentialKind::Centralized,
            "",
        ),
        (
            "/responses",
            Some("bearer sk-client-own-key-123"),
            r#"{"model":"m"}"#,
            "m",
            false,
            CredentialKind::Byok,
            "sk-c...-123",
        ),
        ("/responses/compact", Some("Basic x"), "{}", "unknown", false, CredentialKind::Centralized, ""),
    ];
    let mut ids = Vec::new();
    for (route, authorization, body, model, streaming, kind, hint) in table {
        let interceptor = provider.create_interceptor(request(route, authorization, body)).unwrap();
        let interception = interceptor.interception();
        assert_eq!((interception.model.as_str(), interception.streaming), (model, streaming), "{route}");
        assert_eq!(
            (interception.credential_kind, interception.credential_hint.as_str()),
            (kind, hint),
            "{route}"
        );
        assert_eq!((interception.provider.as_str(), interception.route.as_str()), ("openai", route));
        assert_eq!((interception.initiator_id.as_str(), interception.id.get_version_num()), ("ann", 7));
        ids.push(interception.id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "every interceptor has its own id");
}

#[test]
fn refuses_requests_that_cannot_be_intercepted() {
    let provider = OpenAi::new(OpenAiConfig::default()).unwrap();
    let refused = |request| provider.create_interceptor(request).err().map(|error| error.code());
    assert_eq!(refused(request("/completions", Some("Bearer a"), "{}")), Some("unknown_route"));
    assert_eq!(refused(request("/responses", None, "{}")), Some("no_credential"));
    assert_eq!(refused(request("/responses", Some("Bearer a"), "[]")), Some("invalid_json"));
}

#[test]
fn each_type_has_its_defaults() {
    let anthropic = Anthropic::new(ProviderConfig::default()).unwrap();
    assert_eq!(
        (anthropic.kind(), anthropic.name(), anthropic.route_prefix()),
        ("anthropic", "anthropic", "/anthropic")
    );
    assert_eq!(anthropic.base_url().as_str(), "https://api.anthropic.com/");
    assert_eq!(anthropic.auth_header(), "x-api-key");
    assert_eq!(anthropic.bridged_routes(), ["/v1/messages"]);

    let copilot = Copilot::new(ProviderConfig { name: "work".into(), ..Default::default() }).unwrap();
    assert_eq!((copilot.kind(), copilot.name(), copilot.route_prefix()), ("copilot", "work", "/work"));
    assert_eq!(copilot.base_url().as_str(), "https://api.individual.githubcopilot.com/");
    assert_eq!(copilot.auth_header(), header::AUTHORIZATION);
    assert_eq!(copilot.bridged_routes(), ["/chat/completions", "/responses", "/v1/messages"]);
    let with_key = ProviderConfig { key: Some(SecretString::from("k")), ..Default::default() };
    assert!(matches!(Copilot::new(with_key), Err(ProviderError::ByokOnly { .. })));
}

#[test]
fn the_route_decides_the_dialect_and_the_format_of_errors() {
    let copilot = Copilot::new(ProviderConfig::default()).unwrap();
    for (route, format) in [
        ("/chat/completions", ErrorFormat::OpenAi),
        ("/responses", ErrorFormat::OpenAi),
        ("/v1/messages", ErrorFormat::Anthropic),
    ] {
        let interceptor = copilot.create_interceptor(request(route, Some("Bearer t"), "{}")).unwrap();
        assert_eq!(interceptor.error_format(), format, "{route}");
        assert_eq!(copilot.error_format(route), format, "{route}");
    }
    assert_eq!(copilot.error_format("/models"), ErrorFormat::OpenAi);
    let anthropic = Anthropic::new(ProviderConfig::default()).unwrap();
    for path in ["/v1/messages", "/v1/models", "/v1/unknown", ""] {
        assert_eq!(anthropic.error_format(path), ErrorFormat::Anthropic, "{path}");
    }
}
