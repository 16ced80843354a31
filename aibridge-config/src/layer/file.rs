//! The settings file.

use super::{Layer, Origin};
use crate::Problem;
use figment::value::Value;
use std::path::Path;

/// Parses the settings file.
///
/// # Errors
///
/// A [`Problem`] if the text is not TOML. It quotes no text, which may contain a key.
pub(crate) fn from_file(path: &Path, text: &str) -> Result<Layer, Problem> {
    let origin = Origin::File(path.to_owned());
    let problem = |message| Problem { origin: origin.name(""), setting: None, message };
    let table: toml::Table = toml::from_str(text).map_err(|error| problem(explain(&error, text)))?;
    let tree = Value::serialize(table).map_err(|error| problem(error.kind.to_string()))?;
    Ok(Layer { origin: origin.clone(), tree: tree.into_dict().unwrap_or_default() })
}

fn explain(error: &toml::de::Error, text: &str) -> String {
    let message = error.message();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return format!("is not valid TOML: {message}");
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("is not valid TOML in line {line}, column {column}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        match from_file(Path::new("aibridge.toml"), text) {
            Ok(_) => panic!("{text:?} is valid TOML"),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn a_syntax_error_has_a_line_and_a_column() {
        let text = "[server]\nlisten = \"127.0.0.1:1\"\n  insecure = maybe\n";
        let message = problem(text);
        assert!(message.starts_with("aibridge.toml: is not valid TOML in line 3, column 14: "), "{message}");
    }

    #[test]
    fn a_syntax_error_never_quotes_a_key() {
        let broken = [
            "keys = [\"sk-hunter2\"",
            "keys = [\"sk-hunter2\n\"]",
            "keys = [sk-hunter2]",
            "keys = 'sk-hunter2",
            "keys = \"sk-hunter2\\x\"",
            "keys = \"sk-hunter2\" sk-hunter2",
            "keys = [\"a\"]\nkeys = [\"sk-hunter2\"]",
            "keys = sk-hunter2",
            "keys = \"\"\"sk-hunter2\"",
            "keys = [\"sk-hunter2\", = 1]",
            "keys \"sk-hunter2\"",
        ];
        for text in broken {
            let message = problem(text);
            assert!(!message.contains("hunter2"), "{text:?}: {message}");
        }
    }
}
