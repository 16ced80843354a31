use super::*;
use aibridge_config::{Environment, Sources};
use aibridge_keypool::KeyState;
use std::io;
use std::path::Path;
use std::time::Duration;

struct Nowhere;

impl Environment for Nowhere {
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
    aibridge_config::load(&Sources { file, ..Sources::default() }, &Nowhere).unwrap().providers
}

fn providers(texts: &[&str]) -> Providers {
    let clock = quanta::Clock::new();
    let dumps = Arc::new(Dumps::new(clock.clone()));
    Providers::new(&settings(texts), clock, dumps).unwrap()
}

#[test]
fn a_provider_gets_the_circuit_breaker_of_its_settings() {
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
fn only_what_changed_is_made_anew_and_only_keys_that_stay_go_on_cooling() {
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
        .renewed(&settings(&[
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
    let expected = Changes {
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
    assert!(new.renewed(&new.settings).unwrap().1.is_empty());
}
