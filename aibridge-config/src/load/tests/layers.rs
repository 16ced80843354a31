//! Tests of the precedence of sources and of all settings.

use super::{TestEnvironment, env, file, keys, load_valid};
use crate::{
    AuthMode, CircuitBreaker, Durability, Flags, LogFormat, OtlpProtocol, ProviderKind, Sources, StoreUrl,
};
use secrecy::ExposeSecret;
use std::path::Path;
use std::time::Duration;

#[test]
fn the_defaults_serve_this_machine_only() {
    let config = load_valid(&Sources::default(), &TestEnvironment(&[]));

    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.max_body_bytes, 64 << 20);
    assert_eq!(config.server.shutdown_grace, Duration::from_secs(30));
    assert!(!config.server.insecure);
    assert!(config.server.allowed_hosts.is_empty() && config.server.cors_origins.is_empty());
    assert_eq!((config.auth.mode, config.auth.byok), (AuthMode::None, true));
    assert_eq!(config.store.url, StoreUrl::Sqlite("aibridge.db".into()));
    assert_eq!(config.store.durability, Durability::Process);
    assert_eq!(config.store.timeout, Duration::from_secs(2));
    let journal = (config.store.journal.to_str(), config.store.journal_max_bytes);
    assert_eq!(journal, (Some("aibridge.db.journal"), 1 << 30), "beside the file");
    assert_eq!(config.admin.listen, None);
    assert!(config.metrics.enabled);
    assert_eq!((config.metrics.max_models, config.metrics.max_tools), (100, 100));
    assert_eq!(config.telemetry, None);
    assert_eq!((config.log.format, config.log.records_to_log), (LogFormat::Text, false));

    let [provider, anthropic] = config.providers.as_slice() else { panic!("{:?}", config.providers) };
    assert_eq!((anthropic.kind, anthropic.name.as_str()), (ProviderKind::Anthropic, "anthropic"));
    assert_eq!(anthropic.base_url.as_str(), "https://api.anthropic.com/");
    assert_eq!((provider.kind, provider.name.as_str()), (ProviderKind::OpenAi, "openai"));
    assert_eq!(provider.base_url.as_str(), "https://api.openai.com/v1/");
    assert!(provider.keys.is_empty() && provider.extra_headers.is_empty() && !provider.send_actor_headers);
    assert_eq!(provider.connect_timeout, Duration::from_secs(10));
    assert_eq!(provider.response_timeout, Duration::from_secs(600));
    assert_eq!(provider.stream_idle_timeout, Duration::from_secs(300));
    assert_eq!((&provider.api_dump_dir, &provider.circuit_breaker), (&None, &None));
}

#[test]
fn the_file_can_contain_every_setting() {
    let text = r#"
        [server]
        listen = "0.0.0.0:80"
        max_body_bytes = 1000
        shutdown_grace = "0s"
        insecure = true
        allowed_hosts = ["Gateway.Example"]
        cors_origins = ["https://app.example", "*"]
        [auth]
        mode = "tokens"
        byok = false
        [store]
        url = "sqlite:/var/lib/aibridge.db"
        durability = "power"
        [admin]
        listen = "0.0.0.0:9090"
        [metrics]
        enabled = false
        max_models = 0
        max_tools = 7
        [telemetry]
        endpoint = "https://collector.example:4318"
        protocol = "http"
        sample_ratio = 0.25
        propagate = true
        [log]
        format = "json"
        records_to_log = true
        [[provider]]
        type = "openai"
        keys = ["env:KEY", "file:/run/secrets/key", "sk-literal"]
        [[provider]]
        type = "openai"
        name = "local"
        base_url = "http://127.0.0.1:8000/v1"
        extra_headers = { X-Team = "red", x-cost = "7" }
        send_actor_headers = true
        connect_timeout = "500ms"
        response_timeout = "1m"
        stream_idle_timeout = "1h"
        api_dump_dir = "/var/log/dumps"
        [provider.circuit_breaker]
        failure_threshold = 1
        interval = "1m"
        timeout = "500ms"
        max_requests = 2
        failure_statuses = [500, 408]
    "#;
    // A configured provider does not use the OPENAI_ variables.
    let environment = TestEnvironment(&[
        ("KEY", "sk-env"),
        ("OPENAI_API_KEY", "sk-x"),
        ("OPENAI_BASE_URL", "http://x.example/"),
    ]);
    let config = load_valid(&file(text), &environment);

    assert_eq!(config.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!((config.server.max_body_bytes, config.server.insecure), (1000, true));
    assert_eq!(config.server.allowed_hosts, ["gateway.example"]);
    assert_eq!(config.server.cors_origins, ["https://app.example", "*"]);
    assert_eq!(config.server.shutdown_grace, Duration::ZERO);
    assert_eq!((config.auth.mode, config.auth.byok), (AuthMode::Tokens, false));
    assert_eq!(config.store.url, StoreUrl::Sqlite("/var/lib/aibridge.db".into()));
    assert_eq!(config.store.durability, Durability::Power);
    assert_eq!(config.admin.listen.map(|address| address.to_string()).as_deref(), Some("0.0.0.0:9090"));
    assert!(!config.metrics.enabled);
    assert_eq!((config.metrics.max_models, config.metrics.max_tools), (0, 7));
    let telemetry = config.telemetry.as_ref().expect("an endpoint");
    assert_eq!(telemetry.endpoint.as_str(), "https://collector.example:4318/");
    assert_eq!((telemetry.protocol, telemetry.sample_ratio), (OtlpProtocol::Http, 0.25));
    assert!(telemetry.propagate);
    assert_eq!((config.log.format, config.log.records_to_log), (LogFormat::Json, true));
    assert_eq!(config.providers.len(), 2);
    assert_eq!(config.providers[0].name, "openai");
    assert_eq!(config.providers[0].base_url.as_str(), "https://api.openai.com/v1/");
    assert_eq!(keys(&config, 0), ["sk-env", "sk-file", "sk-literal"]);

    let local = &config.providers[1];
    assert_eq!((local.name.as_str(), local.base_url.as_str()), ("local", "http://127.0.0.1:8000/v1/"));
    assert!(local.keys.is_empty() && local.send_actor_headers);
    let headers: Vec<_> =
        local.extra_headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(headers, [("x-cost", "7"), ("x-team", "red")]);
    assert_eq!(local.connect_timeout, Duration::from_millis(500));
    assert_eq!(local.response_timeout, Duration::from_secs(60));
    assert_eq!(local.stream_idle_timeout, Duration::from_secs(3600));
    assert_eq!(local.api_dump_dir.as_deref(), Some(Path::new("/var/log/dumps")));
    let breaker = CircuitBreaker {
        failure_threshold: 1,
        interval: Duration::from_secs(60),
        timeout: Duration::from_millis(500),
        max_requests: 2,
        failure_statuses: vec![500, 408],
    };
    assert_eq!(local.circuit_breaker, Some(breaker));
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let mut sources =
        file("[server]\nlisten = \"127.0.0.1:1\"\nmax_body_bytes = 1\n[store]\nurl = \"sqlite:1\"");
    let listen_and_store = |sources: &Sources| {
        let config = load_valid(sources, &TestEnvironment(&[]));
        assert_eq!(config.server.max_body_bytes, 1, "settings of weaker sources stay");
        (config.server.listen.port(), config.store.url.to_string())
    };
    assert_eq!(listen_and_store(&sources), (1, "sqlite:1".into()));
    sources.env = env(&[("AIBRIDGE_SERVER__LISTEN", "127.0.0.1:2"), ("AIBRIDGE_STORE__URL", "sqlite:2")]).env;
    assert_eq!(listen_and_store(&sources), (2, "sqlite:2".into()));
    sources.flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
    assert_eq!(listen_and_store(&sources), (3, "sqlite:2".into()));
    sources.flags.store = Some("sqlite:3".into());
    assert_eq!(listen_and_store(&sources), (3, "sqlite:3".into()));
    sources.env.push(("AIBRIDGE_LOG__FORMAT".into(), "json".into()));
    assert_eq!(load_valid(&sources, &TestEnvironment(&[])).log.format, LogFormat::Json);
    sources.flags.log_format = Some("text".into());
    assert_eq!(load_valid(&sources, &TestEnvironment(&[])).log.format, LogFormat::Text);
}

#[test]
fn text_in_the_environment_is_parsed_by_type() {
    let provider = r#"[{ type = "openai", name = "a", keys = ["12345"] }, { type = "openai", name = "b" }]"#;
    let mut sources = env(&[
        ("AIBRIDGE_AUTH__BYOK", "false"),
        ("AIBRIDGE_SERVER__INSECURE", "true"),
        ("AIBRIDGE_SERVER__MAX_BODY_BYTES", "1000"),
        ("AIBRIDGE_SERVER__SHUTDOWN_GRACE", "1s"),
        ("AIBRIDGE_METRICS__MAX_MODELS", "7"),
        ("AIBRIDGE_TELEMETRY__ENDPOINT", "http://localhost:4317"),
        ("AIBRIDGE_TELEMETRY__SAMPLE_RATIO", "1"),
        ("AIBRIDGE_PROVIDER", provider),
    ]);
    sources.file = file("[[provider]]\ntype = \"openai\"\nname = \"file\"").file;
    let config = load_valid(&sources, &TestEnvironment(&[]));
    assert!(!config.auth.byok && config.server.insecure);
    assert_eq!((config.server.max_body_bytes, config.metrics.max_models), (1000, 7));
    assert_eq!(config.server.shutdown_grace, Duration::from_secs(1));
    assert_eq!(config.telemetry.as_ref().map(|telemetry| telemetry.sample_ratio), Some(1.0));
    let names: Vec<&str> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
    assert_eq!(names, ["a", "b"], "a list replaces a list");
    assert_eq!(keys(&config, 0), ["12345"]);
}

#[test]
fn the_default_providers_are_openai_and_anthropic() {
    const SET: TestEnvironment = TestEnvironment(&[
        ("OPENAI_API_KEY", "sk-1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1"),
        ("ANTHROPIC_API_KEY", "sk-ant-2"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:8"),
    ]);
    const EMPTY: TestEnvironment = TestEnvironment(&[
        ("OPENAI_API_KEY", ""),
        ("OPENAI_BASE_URL", ""),
        ("ANTHROPIC_API_KEY", ""),
        ("ANTHROPIC_BASE_URL", ""),
    ]);
    let defaults: [(&[&str], &str); 2] =
        [(&[], "https://api.openai.com/v1/"), (&[], "https://api.anthropic.com/")];
    let set: [(&[&str], &str); 2] =
        [(&["sk-1"], "http://127.0.0.1:9/v1/"), (&["sk-ant-2"], "http://127.0.0.1:8/")];
    let table = [
        ("", SET, set),
        ("provider = []", SET, set),
        ("", EMPTY, defaults),
        ("", TestEnvironment(&[]), defaults),
    ];
    for (text, environment, expected) in table {
        let config = load_valid(&file(text), &environment);
        let names: Vec<_> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
        assert_eq!(names, ["openai", "anthropic"]);
        for (index, (expected_keys, base_url)) in expected.into_iter().enumerate() {
            assert_eq!(keys(&config, index), expected_keys);
            assert_eq!(config.providers[index].base_url.as_str(), base_url);
        }
    }
}

#[test]
fn an_empty_table_enables_the_circuit_breaker() {
    let text = "[[provider]]\ntype = \"openai\"\n[provider.circuit_breaker]";
    let breaker = CircuitBreaker {
        failure_threshold: 5,
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(30),
        max_requests: 3,
        failure_statuses: vec![500, 502, 503, 504, 529],
    };
    assert_eq!(load_valid(&file(text), &TestEnvironment(&[])).providers[0].circuit_breaker, Some(breaker));
}

#[test]
fn the_variables_of_opentelemetry_have_the_lowest_precedence() {
    const GRPC: &str = "http://grpc.example/";
    const SET: TestEnvironment = TestEnvironment(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel.example"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ]);
    const EMPTY: TestEnvironment =
        TestEnvironment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", ""), ("OTEL_EXPORTER_OTLP_PROTOCOL", "")]);
    const OTHER: TestEnvironment = TestEnvironment(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel.example"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ]);
    let endpoint = "endpoint = \"http://grpc.example\"";
    let both = "endpoint = \"http://grpc.example\"\nprotocol = \"grpc\"";
    let table = [
        ("", SET, Some(("http://otel.example/", OtlpProtocol::Http))),
        ("", OTHER, Some(("http://otel.example/", OtlpProtocol::Grpc))),
        ("", EMPTY, None),
        ("endpoint = \"\"", SET, None),
        (endpoint, SET, Some((GRPC, OtlpProtocol::Http))),
        (both, SET, Some((GRPC, OtlpProtocol::Grpc))),
        (endpoint, EMPTY, Some((GRPC, OtlpProtocol::Grpc))),
    ];
    for (text, environment, expected) in table {
        let telemetry = load_valid(&file(&format!("[telemetry]\n{text}")), &environment).telemetry;
        let actual = telemetry.as_ref().map(|telemetry| (telemetry.endpoint.as_str(), telemetry.protocol));
        assert_eq!(actual, expected, "{text:?} in {:?}", environment.0);
    }
}

#[test]
fn budgets_and_prices_are_read() {
    let text = "[budgets]\ntime_zone = \"Europe/Berlin\"\n[prices]\nfile = \"prices.toml\"\n\
                [[budget]]\nscope = \"user\"\nmatch = \"ann\"\namount = \"2.50 USD\"\nperiod = \"day\"\n\
                [[budget]]\nscope = \"group\"\nshared = true";
    let config = load_valid(&file(text), &TestEnvironment(&[]));
    let [user, group] = &config.budgets.budgets[..] else { panic!("two budgets") };
    assert_eq!((user.name.as_str(), user.amount.unwrap().to_string()), ("ann", "$2.50".to_owned()));
    assert_eq!((group.name.as_str(), group.amount, group.shared), ("*", None, true));
    assert_eq!(config.prices.table.models().next().unwrap().model, "m", "the file goes first");
    let again = load_valid(&file(&config.to_masked_toml()), &TestEnvironment(&[]));
    assert_eq!((again.budgets, again.prices), (config.budgets, config.prices));
}
