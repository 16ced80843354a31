//! The sources of settings.

use std::fmt;
use std::path::PathBuf;

/// The sources of settings. Each field takes precedence over the ones before it.
#[derive(Clone, Default)]
pub struct Sources {
    /// The path and the text of the settings file, if there is one.
    pub file: Option<(PathBuf, String)>,
    /// The process environment. Only variables that start with `AIBRIDGE_` are read.
    pub env: Vec<(String, String)>,
    /// The flags of the command line.
    pub flags: Flags,
}

/// The settings that have a command-line flag.
#[derive(Clone, Default)]
pub struct Flags {
    /// `--listen`, for `server.listen`.
    pub listen: Option<String>,
    /// `--store`, for `store.url`.
    pub store: Option<String>,
    /// `--log-format`, for `log.format`.
    pub log_format: Option<String>,
}

/// Prints no values, which may be secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Sources")
            .field("file", &self.file.as_ref().map(|(path, _)| path))
            .field("env", &names)
            .field("flags", &self.flags)
            .finish()
    }
}

/// Prints no values, as [`Sources`] does.
impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given =
            [("--listen", &self.listen), ("--store", &self.store), ("--log-format", &self.log_format)];
        let given = given.iter().filter(|(_, value)| value.is_some()).map(|(flag, _)| flag);
        f.debug_set().entries(given).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_print_without_values() {
        let sources = Sources {
            file: Some(("aibridge.toml".into(), "keys = [\"sk-1\"]".into())),
            env: vec![("OPENAI_API_KEY".into(), "sk-2".into())],
            flags: Flags { store: Some("sqlite:sk-3".into()), ..Flags::default() },
        };
        assert_eq!(
            format!("{sources:?}"),
            r#"Sources { file: Some("aibridge.toml"), env: ["OPENAI_API_KEY"], flags: {"--store"} }"#
        );
    }
}
