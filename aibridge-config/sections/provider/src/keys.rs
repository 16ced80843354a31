//! `keys`: the provider keys, given as values, variables or files.

use aibridge_values::Environment;
use aibridge_values::report::Report;
use aibridge_values::secret::Secret;
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;

/// Resolves `entries` to keys, in order. `None` if any has a problem. No problem contains a key.
pub(crate) fn resolve(
    entries: &[Secret],
    at: &str,
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Vec<SecretString>> {
    let mut keys: Vec<(usize, SecretString)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let key = look_up(entry.0.expose_secret(), environment);
        let key = key.and_then(|key| reject_duplicate(key, &keys, at));
        keys.extend(report.keep(&format!("{at}[{index}]"), key).map(|key| (index, key)));
    }
    (keys.len() == entries.len()).then(|| keys.into_iter().map(|(_, key)| key).collect())
}

/// Reads the key of an entry: `env:NAME`, `file:PATH`, or the key itself.
fn look_up(entry: &str, environment: &dyn Environment) -> Result<SecretString, String> {
    if entry.trim() == "env:" {
        Err("names no environment variable; write its name after \"env:\", as in \"env:OPENAI_API_KEY\""
            .to_owned())
    } else if let Some(name) = entry.strip_prefix("env:") {
        let value = environment.var(name).unwrap_or_default();
        check(
            value,
            &format!("the environment variable {name} is not set or empty; set it, or remove the entry"),
        )
    } else if let Some(path) = entry.strip_prefix("file:") {
        let text = environment.read(Path::new(path)).map_err(|error| {
            format!(
                "the file {path:?} cannot be read ({error}); write the path of a file that contains the key"
            )
        })?;
        check(text, &format!("the file {path:?} is empty; write the key into it, or remove the entry"))
    } else {
        check(entry.to_owned(), "is empty; write \"env:NAME\", \"file:PATH\" or the key, or remove the entry")
    }
}

/// Trims `text`, since files often end in a newline, and checks that it is valid in a header.
fn check(text: String, if_empty: &str) -> Result<SecretString, String> {
    let text = SecretString::from(text);
    let key = text.expose_secret().trim();
    if key.is_empty() {
        return Err(if_empty.to_owned());
    }
    // RFC 6750 §2.1 allows fewer characters, RFC 9110 §5.5 more. The provider decides about those between.
    if let Some(position) = key.chars().position(|character| !character.is_ascii_graphic()) {
        return Err(format!(
            "the key cannot be sent in a header: its character {} of {} is white space, a control character \
             or not ASCII; write the key alone",
            position + 1,
            key.chars().count()
        ));
    }
    Ok(key.into())
}

/// Rejects a duplicate key: a walk would try the same key twice.
fn reject_duplicate(
    key: SecretString,
    earlier: &[(usize, SecretString)],
    at: &str,
) -> Result<SecretString, String> {
    match earlier.iter().find(|(_, other)| other.expose_secret() == key.expose_secret()) {
        Some((index, _)) => Err(format!("is the same key as {at}[{index}]; remove one of them")),
        None => Ok(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    struct TestEnvironment;

    impl Environment for TestEnvironment {
        fn var(&self, name: &str) -> Option<String> {
            match name {
                "KEY" => Some("sk-env".into()),
                "SPACED" => Some(" sk-env\n".into()),
                "EMPTY" => Some(String::new()),
                "BLANK" => Some(" \n".into()),
                "TWO_LINES" => Some("sk-hunter2\nsk-hunter2".into()),
                _ => None,
            }
        }

        fn read(&self, path: &Path) -> io::Result<String> {
            match path.to_str() {
                Some("/key") => Ok("sk-file\n".into()),
                Some("/dos") => Ok("sk-file\r\n".into()),
                Some("/empty") => Ok("\n".into()),
                Some("/two") => Ok("sk-hunter2\nsk-hunter2\n".into()),
                Some("/bytes") => Err(io::ErrorKind::InvalidData.into()),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        }
    }

    #[test]
    fn entries_resolve_to_keys() {
        let table = [
            ("sk-literal", Ok("sk-literal")),
            (" sk-literal ", Ok("sk-literal")),
            ("environment:sk", Ok("environment:sk")),
            ("env:KEY", Ok("sk-env")),
            ("env:SPACED", Ok("sk-env")),
            ("file:/key", Ok("sk-file")),
            ("file:/dos", Ok("sk-file")),
            ("", Err("is empty; write \"env:NAME\"")),
            ("  ", Err("is empty; write \"env:NAME\"")),
            ("env:UNSET", Err("the environment variable UNSET is not set or empty; ")),
            ("env:EMPTY", Err("the environment variable EMPTY is not set or empty; ")),
            ("env:BLANK", Err("the environment variable BLANK is not set or empty; ")),
            ("env:", Err("names no environment variable; write its name after")),
            ("env: ", Err("names no environment variable; write its name after")),
            ("file:/none", Err("the file \"/none\" cannot be read (")),
            ("file:/bytes", Err("the file \"/bytes\" cannot be read (")),
            ("file:", Err("the file \"\" cannot be read (")),
            ("file:/empty", Err("the file \"/empty\" is empty; ")),
            ("env:TWO_LINES", Err("its character 11 of 21 is white space")),
            ("file:/two", Err("its character 11 of 21 is white space")),
            ("hunter2 hunter2", Err("its character 8 of 15 is white space")),
            ("hunter2\0", Err("its character 8 of 8 is white space, a control")),
            ("hunter2\u{7f}", Err("its character 8 of 8 is white space, a control")),
            ("hünter2", Err("its character 2 of 7 is white space, a control character or not ASCII")),
            ("\u{feff}hunter2", Err("its character 1 of 8 is")),
        ];
        for (entry, expected) in table {
            match (look_up(entry, &TestEnvironment), expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual.expose_secret(), expected, "{entry:?}"),
                (Err(actual), Err(expected)) => {
                    assert!(actual.contains(expected), "{entry:?}: {actual}");
                    assert!(!actual.contains("nter2"), "{entry:?}: {actual}");
                }
                (actual, _) => panic!("{entry:?}: {actual:?}"),
            }
        }
    }
}
