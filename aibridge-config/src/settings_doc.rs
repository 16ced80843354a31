//! A test that compares `docs/settings.md` with the mirror of the settings file.

use crate::raw::Raw;
use std::collections::BTreeMap;

const DOC: &str = include_str!("../../docs/settings.md");

/// The settings in lists without a value of their own by default, and how the document names their defaults.
const UNSET: [(&str, &str); 8] = [
    ("scope", "required"),
    ("type", "that of `preset`"),
    ("preset", "that of `type`"),
    ("name", "its `preset`"),
    ("base_url", "that of `preset`"),
    ("route_prefix", "/{name}/v1"),
    ("auth_header", "that of `preset`"),
    ("usage_chunk", "that of `preset`"),
];

/// The default and the environment variable of each setting.
type Settings = BTreeMap<String, (String, String)>;

/// Reads the rows of the document: `| `name` | type | `default` | `VARIABLE` | meaning |`.
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

/// Reads the mirror. The defaults are in TOML.
fn mirrored() -> Settings {
    let file = format!(
        "budget = [{{ scope = \"scope?\" }}]\nprovider = [{{ circuit_breaker = {{}}, {} }}]",
        UNSET[1..]
            .iter()
            .map(|(setting, _)| format!("{setting} = \"{setting}?\""))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let raw: Raw<String> = toml::from_str(&file).expect("a file");
    let tree = toml::Table::try_from(raw).expect("a table");
    let mut settings = Settings::new();
    list("", &tree, &mut settings);
    settings
}

/// Adds the settings in `table`. The name of each starts with `prefix`.
fn list(prefix: &str, table: &toml::Table, settings: &mut Settings) {
    for (name, value) in table {
        let setting = format!("{prefix}{name}");
        let element = value.as_array().and_then(|list| list.first()?.as_table());
        let section = value.as_table().filter(|section| !section.is_empty());
        if let Some(element) = element {
            list(&format!("{setting}[]."), element, settings);
        } else if let Some(section) = section {
            list(&format!("{setting}."), section, settings);
        } else {
            let unset = UNSET.iter().find(|(name, _)| value.as_str() == Some(&format!("{name}?")));
            let default = unset.map_or_else(|| value.to_string(), |(_, default)| (*default).to_owned());
            let variable = match setting.split_once("[]") {
                Some((list, _)) => format!("AIBRIDGE_{list}"),
                None => format!("AIBRIDGE_{}", setting.replace('.', "__")),
            };
            settings.insert(setting, (default, variable.to_uppercase()));
        }
    }
}

#[test]
fn the_document_lists_every_setting_and_no_other() {
    let (documented, mirrored) = (documented(), mirrored());
    assert!(mirrored.len() > 30, "{mirrored:?}");
    assert_eq!(documented, mirrored);
}
