//! `name`: the names of providers.

use std::collections::BTreeMap;

/// The first path segments of the gateway's own routes.
pub(crate) const RESERVED: [&str; 5] = ["api", "healthz", "readyz", "metrics", "dashboard"];

/// The names so far, each with the setting of its provider, e.g. `provider[0]`.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Reserves `name` for the provider at `at`.
    ///
    /// # Errors
    ///
    /// A message if the name is not valid, or belongs to another provider.
    pub(crate) fn claim(&mut self, name: String, at: &str) -> Result<String, String> {
        check(&name)?;
        if let Some(other) = self.0.get(&name) {
            return Err(format!("{name:?} is already the name of {other}; write another, e.g. \"{name}-2\""));
        }
        self.0.insert(name.clone(), at.to_owned());
        Ok(name)
    }
}

fn check(name: &str) -> Result<(), String> {
    if RESERVED.contains(&name) {
        return Err(format!(
            "{name:?} is a path of the gateway itself; write another, e.g. \"{name}-provider\""
        ));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = name.bytes().next().is_some_and(plain);
    if !starts_well || !name.bytes().all(|byte| plain(byte) || byte == b'-') {
        return Err(format!(
            "{name:?} cannot be a path segment; write lower-case letters, digits and, after the first character, hyphens, \
             e.g. \"openai-eu\""
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_path_segments() {
        for name in ["openai", "a", "0", "openai-eu", "a-", "4o", "apis", "api-2"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
        for name in ["", "-", "-a", "OpenAI", "open_ai", "open ai", "open/ai", "öpenai", "a.b", "a\n"] {
            assert!(
                check(name).is_err_and(|message| message.contains("cannot be a path segment")),
                "{name:?}"
            );
        }
        for name in RESERVED {
            assert!(check(name).is_err_and(|message| message.contains("of the gateway itself")), "{name:?}");
        }
    }

    #[test]
    fn a_name_is_claimed_once() {
        let mut names = Names::default();
        assert_eq!(names.claim("a".into(), "provider[0]"), Ok("a".into()));
        assert_eq!(names.claim("b".into(), "provider[1]"), Ok("b".into()));
        assert_eq!(
            names.claim("a".into(), "provider[2]"),
            Err("\"a\" is already the name of provider[0]; write another, e.g. \"a-2\"".into())
        );
    }
}
