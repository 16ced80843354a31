use std::collections::BTreeMap;

/// First path segments that are the gateway's own.
const RESERVED: [&str; 5] = ["api", "healthz", "readyz", "metrics", "dashboard"];

/// The names of the providers so far, and where they stand.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// `name`, for the provider at `at` alone.
    pub(super) fn claim(&mut self, name: String, at: &str) -> Result<String, String> {
        check(&name)?;
        if let Some(other) = self.0.get(&name) {
            return Err(format!("{name:?} is the name of {other} too; write another, e.g. \"{name}-2\""));
        }
        self.0.insert(name.clone(), at.to_owned());
        Ok(name)
    }
}

fn check(name: &str) -> Result<(), String> {
    if RESERVED.contains(&name) {
        return Err(format!(
            "{name:?} is a path of the gateway's own; write another, e.g. \"{name}-provider\""
        ));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = name.bytes().next().is_some_and(plain);
    if !starts_well || !name.bytes().all(|byte| plain(byte) || byte == b'-') {
        return Err(format!(
            "{name:?} cannot be a path segment; write lower-case letters, digits and, within, hyphens, \
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
            assert!(check(name).is_err_and(|message| message.contains("of the gateway's own")), "{name:?}");
        }
    }

    #[test]
    fn a_name_is_claimed_once() {
        let mut names = Names::default();
        assert_eq!(names.claim("a".into(), "provider[0]"), Ok("a".into()));
        assert_eq!(names.claim("b".into(), "provider[1]"), Ok("b".into()));
        assert_eq!(
            names.claim("a".into(), "provider[2]"),
            Err("\"a\" is the name of provider[0] too; write another, e.g. \"a-2\"".into())
        );
    }
}
