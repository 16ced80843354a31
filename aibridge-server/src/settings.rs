//! Where settings come from: the file, the environment, the flags.

use crate::cli::SettingsArgs;
use aibridge_config::{Config, ConfigError, Flags, Sources, Surroundings};
use std::io;
use std::path::{Path, PathBuf};

/// The file that is read if no other is named.
const DEFAULT_FILE: &str = "aibridge.toml";

/// Why settings could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What they say cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// This process.
struct Process;

impl Surroundings for Process {
    #[expect(clippy::disallowed_methods, reason = "the environment is this crate's to read")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// All variables of the environment that are text.
pub fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Loads the settings: defaults, then the file, then the environment, then `args`.
///
/// # Errors
///
/// All that is wrong with them, at once.
pub fn load(args: &SettingsArgs) -> Result<Config, SettingsError> {
    let file = read_file(args.config.as_deref())?;
    let flags =
        Flags { listen: args.listen.clone(), store: args.store.clone(), log_format: args.log_format.clone() };
    Ok(aibridge_config::load(&Sources { file, env: variables(), flags }, &Process)?)
}

fn read_file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, SettingsError> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SettingsError::File { path: path.to_owned(), source }),
    }
}
