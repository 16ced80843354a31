//! Tests of creating and updating providers.

use super::*;
use aibridge_config::{Environment, Sources};
use aibridge_keypool::KeyState;
use std::path::Path;
use std::time::Duration;

struct EmptyEnvironment;

impl Environment for EmptyEnvironment {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn settings(providers: &[&str]) -> Vec<aibridge_config::Provider> {
    let text: String =
        providers.iter().map(|text| format!("[[provider]]\ntype = \"openai\"\n{text}\n")).collect();
    let file = Some(("test.toml".into(), text));
    aibridge_config::load(&Sources { file, ..Sources::default() }, &EmptyEnvironment).unwrap().providers
}

fn providers(texts: &[&str]) -> Providers {
    let clock = quanta::Clock::new();
    let dumps = Arc::new(Dumps::new(clock.clone()));
    Providers::new(&settings(texts), clock, dumps).unwrap()
}

#[test]
fn a_provider_has_the_circuit_breaker_of_its_settings() {
    let table = [
        ("", None),
        ("[provider.circuit_breaker]", Some(CircuitBreakerSettings::default())),
        (
            "[provider.circuit_breaker]\nfailure_threshold = 1\ninterval = \"2s\"\ntimeout = \"3s\"\n\
             max_requests = 4\nfailure_statuses = [555]",
            Some(CircuitBreakerSettings {
                failure_threshold: 1,
                interval: Duration::from_secs(2),
                timeout: Duration::from_secs(3),
                max_requests: 4,
                failure_statuses: vec![555],
            }),
        ),
    ];
    for (text, expected) in table {
        let providers = providers(&[text]);
        let breaker = providers.find("openai").unwrap().circuit_breaker();
        assert_eq!(breaker.map(|breaker| breaker.settings().clone()), expected);
    }
}

#[test]
fn only_changed_providers_are_recreated_and_their_remaining_keys_keep_cooling() {
    let old = providers(&[
        "name = \"same\"\nkeys = [\"k\"]",
        "name = \"gone\"",
        "name = \"other\"\nkeys = [\"old-key-0123456789\", \"kept-key-0123456789\"]",
    ]);
    let pool = old.find("other").unwrap().key_failover().pool().unwrap().clone();
    let mut walk = pool.walk();
    while let Some(key) = walk.next_key() {
        key.rejected();
    }
    let (new, changes) = old
        .updated(&settings(&[
            "name = \"new\"",
            "name = \"other\"\nbase_url = \"http://x/\"\nkeys = [\"kept-key-0123456789\", \"next-key-0123456789\"]",
            "name = \"same\"\nkeys = [\"k\"]",
        ]))
        .unwrap();

    assert_eq!(
        new.all().iter().map(|provider| provider.name()).collect::<Vec<_>>(),
        ["new", "other", "same"]
    );
    assert!(Arc::ptr_eq(old.find("same").unwrap(), new.find("same").unwrap()));
    let expected = ProviderChanges {
        added: vec!["new (no keys)".into()],
        removed: vec!["gone".into()],
        changed: vec!["other (ke...89, ne...89): base_url, keys".into()],
    };
    assert_eq!(changes, expected);
    let states: Vec<bool> = new
        .find("other")
        .unwrap()
        .key_failover()
        .pool()
        .unwrap()
        .statuses()
        .iter()
        .map(|key| key.state == KeyState::Valid)
        .collect();
    assert_eq!(states, [false, true]);
    assert!(new.updated(&new.settings).unwrap().1.is_empty());
}
