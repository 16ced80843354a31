//! Tests of `docs/aibridge.example.toml`: it is valid and contains every setting of `docs/settings.md`.

use crate::{Environment, Sources, load};
use std::io;
use std::path::Path;

const EXAMPLE: &str = include_str!("../../docs/aibridge.example.toml");
const REFERENCE: &str = include_str!("../../docs/settings.md");

/// Provides a value for each variable and file that the example names.
struct Placeholders;

impl Environment for Placeholders {
    fn var(&self, name: &str) -> Option<String> {
        name.ends_with("_API_KEY").then(|| "sk-example-of-a-key-one".to_owned())
    }

    fn read(&self, _: &Path) -> io::Result<String> {
        Ok("sk-example-of-a-key-two".to_owned())
    }
}

/// The settings in a table, as `docs/settings.md` spells them.
fn settings(prefix: &str, table: &toml::Table) -> Vec<String> {
    let nested = |(name, value): (&String, &toml::Value)| match value {
        toml::Value::Table(table) if !table.is_empty() => settings(&format!("{prefix}{name}."), table),
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            let tables = list.iter().filter_map(toml::Value::as_table);
            tables.flat_map(|table| settings(&format!("{prefix}{name}[]."), table)).collect()
        }
        _ => vec![format!("{prefix}{name}")],
    };
    table.iter().flat_map(nested).collect()
}

#[test]
fn the_example_is_valid() {
    let file = Some(("aibridge.example.toml".into(), EXAMPLE.to_owned()));
    let sources = Sources { file, ..Sources::default() };
    let config = load(&sources, &Placeholders).expect("a valid example");
    assert_eq!(config.providers[0].keys.len(), 2);
}

#[test]
fn the_example_contains_every_setting() {
    let rows = REFERENCE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut documented: Vec<String> = rows.map(str::to_owned).collect();
    let mut contained = settings("", &EXAMPLE.parse().expect("a TOML table"));
    documented.sort();
    contained.sort();
    contained.dedup();
    assert_eq!(contained, documented);
}
