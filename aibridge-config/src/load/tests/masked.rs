//! Tests that no secret is printed.

use super::{TestEnvironment, file, keys, load_valid};
use secrecy::ExposeSecret;
use std::time::Duration;

#[test]
fn no_secret_can_be_printed() {
    let text = r#"
        store.url = "postgres://ann:hunter2@db/aibridge"
        [[provider]]
        type = "openai"
        keys = ["env:KEY", "sk-0123hunter2abcdefgh"]
        extra_headers = { X-Token = "token-hunter2-0123456789" }
    "#;
    let config = load_valid(&file(text), &TestEnvironment(&[("KEY", "sk-9876hunter2abcdefgh")]));
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2"), "{debug}");

    let masked = config.to_masked_toml();
    assert!(!masked.contains("hunter2"), "{masked}");
    assert!(masked.contains(r#"keys = ["sk-9...efgh", "sk-0...efgh"]"#), "{masked}");
    assert!(masked.contains(r#"url = "postgres://ann:...@db/aibridge""#), "{masked}");
    assert!(masked.contains(r#"x-token = "toke...6789""#), "{masked}");
}

#[test]
fn the_masked_settings_are_valid() {
    let text = r#"
        [server]
        listen = "0.0.0.0:80"
        max_body_bytes = 1000
        [auth]
        mode = "tokens"
        [[provider]]
        type = "openai"
        keys = ["sk-0123456789abcdefghij"]
        [[provider]]
        type = "openai"
        name = "other"
        base_url = "http://127.0.0.1:1/v1"
        extra_headers = { X-Team = "a-team" }
        connect_timeout = "1500ms"
        api_dump_dir = "dumps"
        [provider.circuit_breaker]
        failure_threshold = 2
        failure_statuses = [500]
        [limits]
        max_concurrent_requests = 100
        tokens_per_minute = 90000
        [store]
        url = "postgres://ann@db/aibridge?sslmode=require"
        timeout = "1s"
        spool = "spool"
        spool_max_bytes = "1MiB"
        [admin]
        listen = "127.0.0.1:9090"
        [metrics]
        max_tools = 7
        [telemetry]
        endpoint = "http://localhost:4318"
        protocol = "http"
        sample_ratio = 0.5
        [log]
        format = "json"
    "#;
    let config = load_valid(&file(text), &TestEnvironment(&[]));
    let masked = config.to_masked_toml();
    let again = load_valid(&file(&masked), &TestEnvironment(&[]));
    assert_eq!((&again.server, &again.auth, &again.store), (&config.server, &config.auth, &config.store));
    assert_eq!((&again.admin, &again.metrics, &again.log), (&config.admin, &config.metrics, &config.log));
    assert_eq!((&again.limits, &again.telemetry), (&config.limits, &config.telemetry));
    assert_eq!(again.providers[1].circuit_breaker, config.providers[1].circuit_breaker);
    assert_eq!(again.providers[1].api_dump_dir, config.providers[1].api_dump_dir);
    assert_eq!(keys(&again, 0), ["sk-0...ghij"]);
    assert_eq!(again.server.max_body_bytes, 1000);
    assert_eq!(again.providers[1].connect_timeout, Duration::from_millis(1500));
    let headers: Vec<_> = again.providers[1]
        .extra_headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose_secret()))
        .collect();
    assert_eq!(headers, [("x-team", "a...m")]);
}
