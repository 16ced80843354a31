//! Property tests: loading accepts or rejects any file.

use super::{TestEnvironment, file};
use crate::load;
use proptest::prelude::*;

/// Values of all TOML types, in all positions of settings.
fn any_toml() -> impl Strategy<Value = toml::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(toml::Value::from),
        any::<i64>().prop_map(toml::Value::from),
        (-1e9..1e9).prop_map(toml::Value::from),
        "hunter2[ -~]{0,8}".prop_map(toml::Value::from),
        Just(toml::Value::Datetime(toml::value::Datetime {
            date: Some(toml::value::Date { year: 2000, month: 1, day: 1 }),
            time: None,
            offset: None,
        })),
    ];
    let name = proptest::sample::select(vec![
        "server",
        "auth",
        "store",
        "provider",
        "listen",
        "insecure",
        "allowed_hosts",
        "cors_origins",
        "mode",
        "url",
        "type",
        "name",
        "base_url",
        "keys",
        "extra_headers",
        "connect_timeout",
        "max_body_bytes",
        "circuit_breaker",
        "failure_threshold",
        "interval",
        "failure_statuses",
        "api_dump_dir",
        "admin",
        "metrics",
        "max_models",
        "telemetry",
        "endpoint",
        "sample_ratio",
        "log",
        "format",
        "0",
        "other",
    ]);
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..8).prop_map(|table| {
                toml::Value::Table(table.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    /// Loading ends, and no message contains a text that may be a key. Messages may quote choices, sizes, durations,
    /// addresses and schemes.
    #[test]
    fn any_file_loads_or_is_refused(
        server in any_toml(),
        metrics in any_toml(),
        telemetry in any_toml(),
        provider in proptest::collection::vec(any_toml(), 0..3),
        keys in any_toml(),
        extra_headers in any_toml(),
    ) {
        let mut one = toml::Table::new();
        one.insert("keys".into(), keys);
        one.insert("extra_headers".into(), extra_headers);
        let mut providers = provider;
        providers.push(one.clone().into());
        let mut all = toml::Table::new();
        all.insert("server".into(), server);
        all.insert("metrics".into(), metrics);
        all.insert("telemetry".into(), telemetry);
        all.insert("provider".into(), providers.into());
        let _ = load(&file(&toml::to_string(&all)?), &TestEnvironment(&[]));

        let mut only = toml::Table::new();
        only.insert("provider".into(), vec![one].into());
        if let Err(error) = load(&file(&toml::to_string(&only)?), &TestEnvironment(&[])) {
            prop_assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn any_text_loads_or_is_refused(text in "[\\[\\]{}a-z.=\"'#,0-9\\n ]{0,60}", name in "AIBRIDGE_[A-Z_]{0,20}") {
        let mut sources = file(&text);
        sources.env = vec![(name, text.clone()), ("AIBRIDGE_PROVIDER".into(), text)];
        let _ = load(&sources, &TestEnvironment(&[]));
    }
}
