//! Checks the shape of a layer: it has no unknown settings and no wrong types.

use crate::Problem;
use crate::layer::{Layer, Origin};
use crate::raw::Raw;
use aibridge_values::secret::Secret;
use figment::error::{Actual, Kind};
use figment::value::{Dict, Value};

/// Removes the settings with a wrong shape from `layer`, and reports each as a problem.
///
/// serde stops at the first error and returns its path. The function removes that setting and tries again.
pub(crate) fn check(mut layer: Layer, problems: &mut Vec<Problem>) -> Layer {
    while let Err(error) = Value::from(layer.tree.clone()).deserialize::<Raw<Secret>>() {
        let value = find(&mut layer.tree, &error.path);
        if let (Origin::Variable(_), Kind::InvalidType(Actual::Str(_), _)) = (&layer.origin, &error.kind)
            && let Some((text, read)) = value.and_then(|value| read_as_toml(value).map(|read| (value, read)))
        {
            *text = read;
            continue;
        }
        let setting = dotted(&error.path);
        problems.push(layer.origin.problem(&setting, explain(&setting, &error.kind)));
        if !remove(&mut layer.tree, &error.path) {
            layer.tree.clear(); // unreachable, since serde read this tree; it ends the loop in any case
        }
    }
    layer
}

/// Parses a string from the environment as TOML, for a setting of another type, e.g. `true` or `[{ type = "openai" }]`.
fn read_as_toml(value: &Value) -> Option<Value> {
    let mut table: toml::Table = toml::from_str(&format!("value = {}", value.as_str()?)).ok()?;
    let read = table.remove("value").filter(|read| !read.is_str() && table.is_empty())?;
    Value::serialize(read).ok()
}

/// The message for an error. It quotes no string, which may be a misplaced key.
fn explain(setting: &str, kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => {
            format!("is not a setting; the settings here are {}", known.join(", "))
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
