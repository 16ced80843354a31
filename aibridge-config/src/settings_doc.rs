//! `docs/settings.md` says what the mirror says.

use crate::raw::Raw;
use std::collections::BTreeMap;

const DOC: &str = include_str!("../../docs/settings.md");

/// Settings with their default and their variable, as the document has them.
type Settings = BTreeMap<String, (String, String)>;

/// From the rows of the document: `| `name` | type | `default` | `VARIABLE` | meaning |`.
fn documented() -> Settings {
    let rows = DOC.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, _, default, variable, meaning] = cells[..] else { panic!("five cells: {row}") };
        assert!(!meaning.is_empty(), "{row}");
        let code = |cell: &str| {
            let inner = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
            inner.unwrap_or(cell).to_owned()
        };
        (code(name), (code(default), code(variable)))
    })
    .collect()
}

/// From the mirror, with every default as the file would spell it.
fn mirrored() -> Settings {
    let file = r#"provider = [{ type = "TYPE", name = "NAME" }]"#;
    let raw: Raw<String> = toml::from_str(file).expect("a file");
    let tree = toml::Table::try_from(raw).expect("a table");
    let mut settings = Settings::new();
    for (section, value) in tree {
        let (table, prefix) = match &value {
            toml::Value::Array(providers) => (&providers[0], "provider[]".to_owned()),
            table => (table, section.clone()),
        };
        for (name, default) in table.as_table().expect("a table") {
            let variable = match &value {
                toml::Value::Array(_) => "AIBRIDGE_PROVIDER".to_owned(),
                _ => format!("AIBRIDGE_{section}__{name}").to_uppercase(),
            };
            let default = match default.to_string().as_str() {
                "\"TYPE\"" => "required".to_owned(),
                "\"NAME\"" => "its `type`".to_owned(),
                default => default.to_owned(),
            };
            settings.insert(format!("{prefix}.{name}"), (default, variable));
        }
    }
    settings
}

#[test]
fn the_document_lists_every_setting_and_no_other() {
    let (documented, mirrored) = (documented(), mirrored());
    assert!(mirrored.len() > 15, "{mirrored:?}");
    assert_eq!(documented, mirrored);
}
