//! Tests of the messages about problems.

use super::{TestEnvironment, env, file, load_problems};
use crate::{Flags, Sources, load};

#[test]
fn a_problem_has_its_source_its_setting_and_advice() {
    let table: &[(Sources, &str)] = &[
        (
            file("[server]\nlisten = \"here\""),
            "aibridge.toml: server.listen: \"here\" is not an address with a port; write e.g. \"127.0.0.1:8080\" or \
             \"[::1]:8080\"",
        ),
        (
            env(&[("AIBRIDGE_SERVER__LISTEN", "here")]),
            "AIBRIDGE_SERVER__LISTEN: server.listen: \"here\" is not an address with a port; write e.g. \
             \"127.0.0.1:8080\" or \"[::1]:8080\"",
        ),
        (
            Sources {
                flags: Flags { store: Some("mysql://u:hunter2@h/db".into()), ..Flags::default() },
                ..file("[store]\nurl = \"sqlite:x\"")
            },
            "--store: store.url: \"mysql\" is not a supported database; write \"sqlite:aibridge.db\" or \
             \"postgres://user@host/db\"",
        ),
        (
            file("[budgets]\ntime_zone = \"Mars\""),
            "aibridge.toml: budgets.time_zone: \"Mars\" is not a time zone; write a name such as \"UTC\" or \
             \"Europe/Berlin\"",
        ),
        (
            file("[budgets]\nmax_reservation = \"0 USD\""),
            "aibridge.toml: budgets.max_reservation: is zero; write a larger amount, e.g. \"1 USD\"",
        ),
        (
            file("[[budget]]\namount = \"1 USD\""),
            "aibridge.toml: budget[0].scope: is missing; write scope = \"user\"",
        ),
        (
            file("[[budget]]\nscope = \"user\"\namount = \"1\""),
            "aibridge.toml: budget[0].amount: \"1\" is not an amount; write dollars, e.g. \"200 USD\" or \"0.50 USD\"",
        ),
        (
            file("[[budget]]\nscope = \"model\"\nshared = true"),
            "aibridge.toml: budget[0].shared: is for users and groups; remove it, since all who use the name share this \
             budget anyway",
        ),
        (
            file("[[budget]]\nscope = \"user\"\n[[budget]]\nscope = \"user\"\namount = \"1 USD\""),
            "aibridge.toml: budget[1]: has the scope, match and period of budget[0]; remove one of them",
        ),
        (
            file("[budget]\nscope = \"user\""),
            "aibridge.toml: budget: must be a list; write [[budget]], in double brackets, once for each budget",
        ),
        (
            file("[prices]\nfile = \"nowhere.toml\""),
            "aibridge.toml: prices.file: \"nowhere.toml\" cannot be read: entity not found; write the path of a TOML \
             file with prices",
        ),
        (
            file("[prices]\nfile = \"wrong.toml\""),
            "aibridge.toml: prices.file: \"wrong.toml\" has mistakes: line 3: input: \"-1\" is not a non-negative \
             decimal number",
        ),
        (
            file("[store]\nspool = \"spool\""),
            "aibridge.toml: store.spool: has no effect on an embedded database, whose journal is beside its file; \
             remove it, or write store.url = \"postgres://user@host/db\"",
        ),
        (
            file("[store]\njournal = \"here\""),
            "aibridge.toml: store.journal: has no effect on an embedded database, whose journal is beside its file; \
             remove it, or write store.url = \"postgres://user@host/db\"",
        ),
        (
            file("[store]\nurl = \"postgres://ann@db/a\"\njournal = \"here\"\nspool = \"spool\""),
            "aibridge.toml: store.journal: and store.spool, its name in earlier versions, are both set; remove \
             store.spool",
        ),
        (
            file("[store]\njournal = \"\""),
            "aibridge.toml: store.journal: is empty; write the path of a directory, e.g. \"aibridge.journal\"",
        ),
        (
            file("[store]\ntimeout = \"0s\""),
            "aibridge.toml: store.timeout: is zero; write a longer duration, e.g. \"10s\"",
        ),
        (
            file("[server]\nlisten = 8080"),
            "aibridge.toml: server.listen: is an integer; write a string in quotes",
        ),
        (
            file("[server]\nshutdown_grace = 10"),
            "aibridge.toml: server.shutdown_grace: 10 has no unit; for seconds, write \"10s\", e.g. \"10s\"",
        ),
        (
            file("[server]\ncors_origins = [\"https://app.example\", \"*\"]"),
            "aibridge.toml: server.cors_origins[1]: \"*\" would allow every web page that your users visit to spend your keys \
             while auth.mode is \"none\"; write auth.mode = \"tokens\", or list the origins",
        ),
        (
            env(&[("AIBRIDGE_SERVER__ALLOWED_HOSTS", "[\"a.example\", \"http://b.example\"]")]),
            "AIBRIDGE_SERVER__ALLOWED_HOSTS: server.allowed_hosts[1]: \"http://b.example\" is not a host; write a name or \
             an address without scheme and path, e.g. \"gateway.example\"",
        ),
        (
            file("[auth]\nbyok = \"false\""),
            "aibridge.toml: auth.byok: is a string; write true or false, without quotes",
        ),
        (
            env(&[("AIBRIDGE_AUTH__BYOK", "no")]),
            "AIBRIDGE_AUTH__BYOK: auth.byok: is a string; write true or false, without quotes",
        ),
        (
            file("[auth]\nmode = \"token\""),
            "aibridge.toml: auth.mode: \"token\" is unknown; write \"none\" or \"tokens\"",
        ),
        (
            file("[server]\nlisten = \"0.0.0.0:80\"\n[auth]\nmode = \"token\""),
            "aibridge.toml: auth.mode: \"token\" is unknown; write \"none\" or \"tokens\"",
        ),
        (
            file("[server]\nlisten = \"0.0.0.0:80\"\n[auth]\nmode = 1"),
            "aibridge.toml: auth.mode: is an integer; write a string in quotes",
        ),
        (
            file("[limits]\nrequests_per_minute = -1"),
            "aibridge.toml: limits.requests_per_minute: -1 is negative; write a whole number, e.g. 5",
        ),
        (
            file("[limits]\nmax_header_bytes = \"1023B\""),
            "aibridge.toml: limits.max_header_bytes: is too small; write at least \"1KiB\"",
        ),
        (
            file("[store]\njournal_max_bytes = 1"),
            "aibridge.toml: store.journal_max_bytes: is too small; write at least \"16KiB\"",
        ),
        (
            file("[store]\nspool_max_bytes = \"1\""),
            "aibridge.toml: store.spool_max_bytes: is too small; write at least \"16KiB\"",
        ),
        (
            file("[limits]\nrequests = 1"),
            "aibridge.toml: limits.requests: is not a setting; the settings here are max_concurrent_requests, \
             requests_per_minute, tokens_per_minute, max_connections, max_header_bytes, header_timeout",
        ),
        (
            file("[store]\ndurability = \"\""),
            "aibridge.toml: store.durability: \"\" is unknown; write \"process\" or \"power\" or \"database\"",
        ),
        (
            file("[auth]\ntokens = true"),
            "aibridge.toml: auth.tokens: is not a setting; the settings here are mode, byok",
        ),
        (
            file("listen = \"127.0.0.1:1\""),
            "aibridge.toml: listen: is not a setting; the settings here are server, tls, admin, auth, limits, budgets, \
             budget, prices, store, metrics, telemetry, log, provider",
        ),
        (
            env(&[("AIBRIDGE_PORT", "8080")]),
            "AIBRIDGE_PORT: port: is not a setting; the settings here are server, tls, admin, auth, limits, budgets, \
             budget, prices, store, metrics, telemetry, log, provider",
        ),
        (file("server = [\"127.0.0.1:80\"]"), "aibridge.toml: server: is a list; write a table"),
        (file("[[server]]\nlisten = \"127.0.0.1:80\""), "aibridge.toml: server: is a list; write a table"),
        (env(&[("AIBRIDGE_AUTH", "[\"tokens\"]")]), "AIBRIDGE_AUTH: auth: is a list; write a table"),
        (file("provider = [[\"openai\"]]"), "aibridge.toml: provider[0]: is a list; write a table"),
        (file("budget = [[\"user\"]]"), "aibridge.toml: budget[0]: is a list; write a table"),
        (
            file("[[provider]]\ntype = \"openai\"\ncircuit_breaker = [true]"),
            "aibridge.toml: provider[0].circuit_breaker: is a list; write a table",
        ),
        (env(&[("AIBRIDGE_SERVER", "x")]), "AIBRIDGE_SERVER: server: is a string; write a table"),
        (
            file("[provider]\ntype = \"openai\""),
            "aibridge.toml: provider: must be a list; write [[provider]], in double brackets, once for each \
             provider",
        ),
        (
            env(&[("AIBRIDGE_PROVIDER__0__NAME", "x")]),
            "AIBRIDGE_PROVIDER__0__NAME: provider: must be a list in TOML, all in AIBRIDGE_PROVIDER; write \
             [{ … }, { … }], each entry in braces",
        ),
        (
            env(&[("AIBRIDGE_PROVIDER", "[{ type = \"openai\"")]),
            "AIBRIDGE_PROVIDER: provider: must be a list in TOML, all in AIBRIDGE_PROVIDER; write \
             [{ … }, { … }], each entry in braces",
        ),
        (
            file("[[provider]]\nname = \"x\""),
            "aibridge.toml: provider[0].type: is missing; write type = \"openai\"",
        ),
        (
            file("[[provider]]\ntype = \"azure\""),
            "aibridge.toml: provider[0].type: \"azure\" is unknown; write \"openai\" or \"anthropic\" or \"copilot\"",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\n[[provider]]\ntype = \"openai\""),
            "aibridge.toml: provider[1].name: \"openai\" is already the name of provider[0]; write another, e.g. \
             \"openai-2\"",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\nname = \"metrics\""),
            "aibridge.toml: provider[0].name: \"metrics\" is a path of the gateway itself; write another, e.g. \
             \"metrics-provider\"",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\nkeys = \"hunter2\""),
            "aibridge.toml: provider[0].keys: is a string; write a list in brackets, e.g. [\"…\", \"…\"]",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\nkeys = [\"hunter2\", \"b\", \"hunter2\"]"),
            "aibridge.toml: provider[0].keys[2]: is the same key as provider[0].keys[0]; remove one of them",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\nextra_headers = { X-A = \"1\", x-a = \"hunter2\" }"),
            "aibridge.toml: provider[0].extra_headers.x-a: is a duplicate in another case; remove one of them",
        ),
        (
            file(
                "[[provider]]\ntype = \"openai\"\nauth_header = \"Api-Key\"\nextra_headers = { api_key = \"hunter2\" }",
            ),
            "aibridge.toml: provider[0].extra_headers.api_key: carries the provider key; add the key to keys instead",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\nauth_header = \"content_length\""),
            "aibridge.toml: provider[0].auth_header: \"content_length\" has another meaning in every request; write \
             Authorization for bearer tokens, or e.g. api-key for the key alone",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\nextra_headers = { X-A = 1 }"),
            "aibridge.toml: provider[0].extra_headers.X-A: is an integer; write a string in quotes",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\nconnect_timeout = \"0s\""),
            "aibridge.toml: provider[0].connect_timeout: is zero; write a longer duration, e.g. \"10s\"",
        ),
        (
            breaker("failure_threshold = 0"),
            "aibridge.toml: provider[0].circuit_breaker.failure_threshold: is zero; write at least 1",
        ),
        (
            breaker("max_requests = \"3\""),
            "aibridge.toml: provider[0].circuit_breaker.max_requests: is a string; write a whole number without \
             quotes, e.g. 5",
        ),
        (
            breaker("max_requests = -3"),
            "aibridge.toml: provider[0].circuit_breaker.max_requests: -3 is negative; write a whole number, e.g. 5",
        ),
        (
            breaker("interval = \"0s\""),
            "aibridge.toml: provider[0].circuit_breaker.interval: is zero; write a longer duration, e.g. \"10s\"",
        ),
        (
            breaker("failure_statuses = []"),
            "aibridge.toml: provider[0].circuit_breaker.failure_statuses: is empty, so that no response counts as a \
             failure; write e.g. [500, 503]",
        ),
        (
            breaker("failure_statuses = [500, 500]"),
            "aibridge.toml: provider[0].circuit_breaker.failure_statuses[1]: 500 is a duplicate; remove one of them",
        ),
        (
            breaker("failure_statuses = [500, true]"),
            "aibridge.toml: provider[0].circuit_breaker.failure_statuses[1]: is a boolean; write a whole number \
             without quotes, e.g. 5",
        ),
        (
            breaker("failures = 5"),
            "aibridge.toml: provider[0].circuit_breaker.failures: is not a setting; the settings here are \
             failure_threshold, interval, timeout, max_requests, failure_statuses",
        ),
        (
            file("[[provider]]\ntype = \"openai\"\ncircuit_breaker = true"),
            "aibridge.toml: provider[0].circuit_breaker: is a boolean; write a table",
        ),
        (
            file("[admin]\nlisten = \"9090\""),
            "aibridge.toml: admin.listen: \"9090\" is not an address with a port; write e.g. \"127.0.0.1:8080\" or \
             \"[::1]:8080\"",
        ),
        (
            file("[admin]\nlisten = \"localhost:8080\""),
            "aibridge.toml: admin.listen: 127.0.0.1:8080 is already used by server.listen = \"127.0.0.1:8080\"; write \
             another port, or remove admin.listen to serve both on one",
        ),
        (
            file("[metrics]\nmax_models = 1.5"),
            "aibridge.toml: metrics.max_models: is a float; write a whole number without quotes, e.g. 5",
        ),
        (
            env(&[("AIBRIDGE_METRICS__MAX_TOOLS", "many")]),
            "AIBRIDGE_METRICS__MAX_TOOLS: metrics.max_tools: is a string; write a whole number without quotes, e.g. 5",
        ),
        (
            file("[telemetry]\nendpoint = \"localhost:4317\""),
            "aibridge.toml: telemetry.endpoint: has the scheme \"localhost\", not \"http\" or \"https\"; write \
             e.g. \"http://localhost:4317\"",
        ),
        (
            file("[telemetry]\nendpoint = \"http://me:hunter2@localhost\""),
            "aibridge.toml: telemetry.endpoint: contains a user name or a password; set these in \
             OTEL_EXPORTER_OTLP_HEADERS; write e.g. \"http://localhost:4317\"",
        ),
        (
            file("[telemetry]\nprotocol = \"http/protobuf\""),
            "aibridge.toml: telemetry.protocol: \"http/protobuf\" is unknown; write \"grpc\" or \"http\"",
        ),
        (
            file("[telemetry]\nsample_ratio = 50"),
            "aibridge.toml: telemetry.sample_ratio: 50 is not a ratio; write a number from 0.0 to 1.0",
        ),
        (
            file("[telemetry]\nsample_ratio = \"all\""),
            "aibridge.toml: telemetry.sample_ratio: is a string; write a number without quotes, e.g. 0.5",
        ),
        (
            Sources {
                flags: Flags { log_format: Some("xml".into()), ..Flags::default() },
                ..Sources::default()
            },
            "--log-format: log.format: \"xml\" is unknown; write \"text\" or \"json\"",
        ),
    ];
    for (sources, expected) in table {
        assert_eq!(load_problems(sources, &TestEnvironment(&[])), *expected);
    }
}

/// A file with one provider and these settings of its circuit breaker.
fn breaker(text: &str) -> Sources {
    file(&format!("[[provider]]\ntype = \"openai\"\n[provider.circuit_breaker]\n{text}"))
}

#[test]
fn all_problems_come_at_once() {
    let mut sources = file(
        r#"
        colour = "red"
        [server]
        lisen = "127.0.0.1:1"
        max_body_bytes = 0
        insecure = 1
        [auth]
        mode = "some"
        [store]
        url = "x.db"
        [[provider]]
        type = "openai"
        base_url = "api.openai.com"
        keys = ["", "env:UNSET", "a", "a"]
        [[provider]]
        type = 5
        name = "Open AI"
        colour = "blue"
        response_timeout = "0s"
        extra_headers = { Host = "x", "a b" = "c" }
        "#,
    );
    sources.env = env(&[("AIBRIDGE_", "x"), ("AIBRIDGE_STORE__COLOUR", "x")]).env;
    sources.flags.listen = Some("x".into());

    let origins = load(&sources, &TestEnvironment(&[])).expect_err("a refusal").problems.into_iter();
    let origins: Vec<String> = origins
        .map(|problem| format!("{} {}", problem.origin, problem.setting.unwrap_or_default()))
        .collect();
    assert_eq!(
        origins,
        [
            "AIBRIDGE_ ",
            "aibridge.toml colour",
            "aibridge.toml provider[1].colour",
            "aibridge.toml provider[1].type",
            "aibridge.toml server.insecure",
            "aibridge.toml server.lisen",
            "AIBRIDGE_STORE__COLOUR store.colour",
            "--listen server.listen",
            "aibridge.toml server.max_body_bytes",
            "aibridge.toml auth.mode",
            "aibridge.toml store.url",
            "aibridge.toml provider[0].base_url",
            "aibridge.toml provider[0].keys[0]",
            "aibridge.toml provider[0].keys[1]",
            "aibridge.toml provider[0].keys[3]",
            "aibridge.toml provider[1].name",
            "aibridge.toml provider[1].extra_headers.Host",
            "aibridge.toml provider[1].extra_headers.a b",
            "aibridge.toml provider[1].response_timeout",
        ]
    );
}

#[test]
fn an_overridden_setting_is_validated_too() {
    let mut sources = file("[server]\nlisten = 1\n[auth]\nbyok = \"x\"");
    sources.env = env(&[("AIBRIDGE_SERVER__LISTEN", "127.0.0.1:1"), ("AIBRIDGE_AUTH__BYOK", "true")]).env;
    assert_eq!(load(&sources, &TestEnvironment(&[])).expect_err("a refusal").problems.len(), 2);
}

#[test]
fn problems_name_the_variables_of_the_default_provider() {
    let environment = TestEnvironment(&[("OPENAI_API_KEY", "sk 1"), ("OPENAI_BASE_URL", "ftp://x/")]);
    let message = load_problems(&Sources::default(), &environment);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(
        lines[0].starts_with("OPENAI_BASE_URL: provider[0].base_url: has the scheme \"ftp\""),
        "{message}"
    );
    assert!(lines[1].starts_with("OPENAI_API_KEY: provider[0].keys[0]: the key cannot be sent"), "{message}");
}

#[test]
fn problems_name_the_variables_of_opentelemetry() {
    let message = load_problems(
        &Sources::default(),
        &TestEnvironment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")]),
    );
    let expected = "OTEL_EXPORTER_OTLP_ENDPOINT: telemetry.endpoint: has the scheme \"localhost\"";
    assert!(message.starts_with(expected) && message.lines().count() == 1, "{message}");
}

#[test]
fn exposure_to_the_network_requires_consent() {
    let table = [
        ("listen = \"0.0.0.0:80\"", false),
        ("listen = \"[::]:80\"", false),
        ("listen = \"192.168.0.1:80\"", false),
        ("listen = \"127.0.0.1:80\"", true),
        ("listen = \"127.1.2.3:80\"", true),
        ("listen = \"localhost:80\"", true),
        ("listen = \"[::1]:80\"", true),
        ("listen = \"[::ffff:127.0.0.1]:80\"", true),
        ("listen = \"[::ffff:192.168.0.1]:80\"", false),
        ("listen = \"0.0.0.0:80\"\ninsecure = true", true),
        ("listen = \"0.0.0.0:80\"\n[auth]\nmode = \"tokens\"", true),
    ];
    for (text, accepted) in table {
        let result = load(&file(&format!("[server]\n{text}")), &TestEnvironment(&[]));
        assert_eq!(result.is_ok(), accepted, "{text}");
        if let Err(error) = result {
            let message = error.to_string();
            assert!(message.starts_with("aibridge.toml: server.listen: "), "{message}");
            assert!(message.contains("server.insecure = true"), "{message}");
        }
    }
    let admin = "[admin]\nlisten = \"0.0.0.0:9090\"\n";
    assert!(
        load_problems(&file(admin), &TestEnvironment(&[]))
            .starts_with("aibridge.toml: admin.listen: 0.0.0.0:9090 can be")
    );
    for consent in ["[server]\ninsecure = true", "[auth]\nmode = \"tokens\""] {
        assert!(load(&file(&format!("{admin}{consent}")), &TestEnvironment(&[])).is_ok(), "{consent}");
    }
}

#[test]
fn the_default_does_not_replace_an_invalid_provider() {
    let environment = TestEnvironment(&[("OPENAI_API_KEY", "sk 1")]);
    let table = [
        ("[provider]\ntype = \"openai\"", "aibridge.toml: provider: must be a list"),
        ("[[provider]\ntype = \"openai\"", "aibridge.toml: is not valid TOML"),
    ];
    for (text, expected) in table {
        let message = load_problems(&file(text), &environment);
        assert!(message.starts_with(expected) && message.lines().count() == 1, "{text}: {message}");
    }
    let message = load_problems(&file("[server]\nlisten = 1"), &environment);
    assert_eq!(message.lines().count(), 2, "no provider failed here: {message}");
}
