//! Checks the shape of a layer: it has no unknown settings and no wrong types.

use crate::Problem;
use crate::layer::{Layer, Origin};
use crate::raw::Raw;
use aibridge_values::secret::Secret;
use figment::error::{Actual, Kind};
use figment::value::{Dict, Value};

/// The settings that are lists of tables.
const LISTS: [&str; 2] = ["budget", "provider"];

/// The tables in their entries.
const TABLES_IN_ENTRIES: [&str; 1] = ["circuit_breaker"];

/// Removes the settings with a wrong shape from `layer`, and reports each as a problem.
///
/// serde stops at the first error and returns its path. The function removes that setting and tries again.
pub(crate) fn check(mut layer: Layer, problems: &mut Vec<Problem>) -> Layer {
    let tables =
        Value::serialize(Raw::<String>::default()).ok().and_then(Value::into_dict).unwrap_or_default();
    loop {
        if let Some(path) = list_for_table(&layer.tree, &tables) {
            let setting = dotted(&path);
            problems.push(layer.origin.problem(&setting, "is a list; write a table".to_owned()));
            if !remove(&mut layer.tree, &path) {
                layer.tree.clear(); // unreachable, since the path was found in this tree
            }
            continue;
        }
        let Err(error) = Value::from(layer.tree.clone()).deserialize::<Raw<Secret>>() else { return layer };
        let value = find(&mut layer.tree, &error.path);
        if let (Origin::Variable(_), Kind::InvalidType(Actual::Str(_), _)) = (&layer.origin, &error.kind)
            && let Some((text, read)) = value.and_then(|value| read_as_toml(value).map(|read| (value, read)))
        {
            *text = read;
            continue;
        }
        let setting = dotted(&error.path);
        problems.push(layer.origin.problem(&setting, explain(&layer.origin, &setting, &error.kind)));
        if !remove(&mut layer.tree, &error.path) {
            layer.tree.clear(); // unreachable, since serde read this tree; it ends the loop in any case
        }
    }
}

/// The path of a list that has the place of a table: serde would read its elements as the settings, in the order of their
/// declaration. `tables` contains every section.
fn list_for_table(tree: &Dict, tables: &Dict) -> Option<Vec<String>> {
    tree.iter().find_map(|(key, value)| {
        let below = match (value, tables.get(key)) {
            (Value::Array(..), Some(Value::Dict(..))) => Vec::new(),
            (Value::Dict(_, inner), Some(Value::Dict(_, tables))) => list_for_table(inner, tables)?,
            (Value::Array(_, entries), Some(_)) if LISTS.contains(&key.as_str()) => list_for_entry(entries)?,
            _ => return None,
        };
        Some([vec![key.clone()], below].concat())
    })
}

/// The path of a list that has the place of an entry of a list of tables, or of a table in it.
fn list_for_entry(entries: &[Value]) -> Option<Vec<String>> {
    entries.iter().enumerate().find_map(|(index, entry)| {
        let is_list = |name: &&str| matches!(entry.find_ref(name), Some(Value::Array(..)));
        let below = match entry {
            Value::Array(..) => None,
            _ => Some(TABLES_IN_ENTRIES.iter().find(|name| is_list(name))?),
        };
        Some([Some(index.to_string()), below.map(|name| (*name).to_owned())].into_iter().flatten().collect())
    })
}

/// Parses a string from the environment as TOML, for a setting of another type, e.g. `true` or `[{ type = "openai" }]`.
fn read_as_toml(value: &Value) -> Option<Value> {
    let mut table: toml::Table = toml::from_str(&format!("value = {}", value.as_str()?)).ok()?;
    let read = table.remove("value").filter(|read| !read.is_str() && table.is_empty())?;
    Value::serialize(read).ok()
}

/// The message for an error. It quotes no string, which may be a misplaced key.
fn explain(origin: &Origin, setting: &str, kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => {
            format!("is not a setting; the settings here are {}", known.join(", "))
        }
        Kind::InvalidType(..) if LISTS.contains(&setting) && matches!(origin, Origin::Variable(_)) => {
            let variable = setting.to_uppercase();
            format!(
                "must be a list in TOML, all in AIBRIDGE_{variable}; write [{{ … }}, {{ … }}], each entry in braces"
            )
        }
        Kind::InvalidType(..) if setting == "budget" => {
            "must be a list; write [[budget]], in double brackets, once for each budget".to_owned()
        }
        Kind::InvalidType(..) if setting == "provider" => {
            "must be a list; write [[provider]], in double brackets, once for each provider".to_owned()
        }
        Kind::InvalidType(actual, expected) => {
            format!("is {}; write {}", type_name(actual), advice(expected))
        }
        Kind::Message(message) => message.clone(),
        _ => "has the wrong shape; see docs/settings.md".to_owned(),
    }
}

fn type_name(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "an integer",
        Actual::Float(_) => "a float",
        Actual::Str(_) | Actual::Char(_) => "a string",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

/// Translates what serde expected into terms of the settings file.
fn advice(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false, without quotes",
        "f64" => "a number without quotes, e.g. 0.5",
        "a string" | "a String" => "a string in quotes",
        "a sequence" => "a list in brackets, e.g. [\"…\", \"…\"]",
        "a map" => "a table, e.g. { name = \"…\" }",
        other => other,
    }
}

/// Formats a path as a setting, e.g. `provider[1].base_url`.
fn dotted(path: &[String]) -> String {
    path.iter().fold(String::new(), |dotted, key| {
        if key.parse::<usize>().is_ok() {
            format!("{dotted}[{key}]")
        } else if dotted.is_empty() {
            key.clone()
        } else {
            format!("{dotted}.{key}")
        }
    })
}

fn find<'a>(tree: &'a mut Dict, path: &[String]) -> Option<&'a mut Value> {
    let (key, rest) = path.split_first()?;
    match tree.get_mut(key)? {
        value if rest.is_empty() => Some(value),
        Value::Dict(_, inner) => find(inner, rest),
        _ => None,
    }
}

/// Removes the setting at `path`. For an element of a list, it removes the whole list, so that no other element changes
/// its position.
fn remove(tree: &mut Dict, path: &[String]) -> bool {
    let Some((key, rest)) = path.split_first() else { return false };
    match (tree.get_mut(key), rest) {
        (Some(Value::Dict(_, inner)), [_, ..]) => remove(inner, rest),
        (Some(Value::Array(_, list)), [index, below @ ..]) if !below.is_empty() => {
            match index.parse().ok().and_then(|index: usize| list.get_mut(index)) {
                Some(Value::Dict(_, inner)) => remove(inner, below),
                _ => false,
            }
        }
        _ => tree.remove(key).is_some(),
    }
}
