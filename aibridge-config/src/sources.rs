use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The world outside, as far as settings refer to it.
pub trait Environment {
    /// The value of an environment variable.
    fn var(&self, name: &str) -> Option<String>;

    /// The text of a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no text.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// Where settings come from. The later fields win over the earlier.
#[derive(Clone, Default)]
pub struct Sources {
    /// The settings file: its path and its text.
    pub file: Option<(PathBuf, String)>,
    /// The process environment, of which only `AIBRIDGE_*` is looked at.
    pub env: Vec<(String, String)>,
    /// Flags of the command line.
    pub flags: Flags,
}

/// Settings that the command line can give.
#[derive(Clone, Default)]
pub struct Flags {
    /// `--listen`, for `server.listen`.
    pub listen: Option<String>,
    /// `--store`, for `store.url`.
    pub store: Option<String>,
    /// `--log-format`, for `log.format`.
    pub log_format: Option<String>,
}

/// Shows no value: any of them may hold a secret.
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

/// Shows no value, see [`Sources`].
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
