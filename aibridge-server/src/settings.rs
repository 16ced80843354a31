//! Loads the settings from the file, the environment and the flags.

use aibridge_cli::args::SettingsArgs;
use aibridge_config::{Config, ConfigError, Environment, Flags, Sources};
#[cfg(unix)]
use rustix::fs::OFlags;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read as _};
#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The settings file if no flag names one.
const DEFAULT_FILE: &str = "aibridge.toml";

/// The reason why settings could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// The settings file is empty, and was not at the start.
    #[error(
        "the settings file {} has no settings, and had some before: restart to serve without them",
        path.display()
    )]
    Empty {
        /// The path of the file.
        path: PathBuf,
    },
    /// The settings are invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The sources from which a running gateway reloads its settings.
#[derive(Debug, Clone)]
pub struct SettingsSource {
    args: SettingsArgs,
    file_has_settings: bool,
}

/// Loaded settings, and the files that they came from.
pub struct LoadedSettings {
    /// The settings, or all of their problems.
    pub config: Result<Config, SettingsError>,
    /// The files that were read or could not be read: the settings file, and the keys, certificates and prices that
    /// it names.
    pub files: Vec<PathBuf>,
}

/// The environment of this process. Collects the paths of the files that it reads.
#[derive(Default)]
struct Process {
    files: RefCell<Vec<PathBuf>>,
}

impl Environment for Process {
    #[expect(clippy::disallowed_methods, reason = "only this crate reads the environment")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.borrow_mut().push(path.to_owned());
        read_whole(path)
    }
}

/// The largest file that is read, in bytes: far more than settings or a key need.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Reads a regular file. Refuses pipes and sockets, because opening or reading one may block forever.
fn read_whole(path: &Path) -> io::Result<String> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    OpenOptionsExt::custom_flags(&mut options, OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    #[cfg(unix)]
    if kind.is_fifo() || kind.is_socket() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe or a socket: name a file"));
    }
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut text = String::new();
    if file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)? as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// Whether a settings file with this text sets anything: it may hold comments, table headers and empty lists alone.
/// Text that is not TOML counts as settings, so that the parser reports it.
fn sets_something(text: &str) -> bool {
    fn has_value(value: &toml::Value) -> bool {
        match value {
            toml::Value::Table(table) => table.values().any(has_value),
            toml::Value::Array(list) => list.iter().any(has_value),
            _ => true,
        }
    }
    toml::from_str::<toml::Table>(text).map_or(true, |table| table.values().any(has_value))
}

/// Returns all environment variables that are UTF-8.
pub fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Loads the settings: defaults, then the file, then the environment, then `args`.
///
/// # Errors
///
/// All problems of the settings, at once.
pub fn load(args: &SettingsArgs) -> Result<Config, SettingsError> {
    load_from(args, &Process::default(), false)
}

impl SettingsSource {
    /// Creates the source that `args` name. If the settings file has settings now, a missing or empty file is an error
    /// later: it is being written, or the disk is full.
    pub fn new(args: SettingsArgs) -> Self {
        let path = args.config.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        let file_has_settings = read_whole(&path).is_ok_and(|text| sets_something(&text));
        let config = if file_has_settings { Some(path) } else { args.config };
        Self { args: SettingsArgs { config, ..args }, file_has_settings }
    }

    /// Loads the settings, and returns the files that they came from.
    pub fn load(&self) -> LoadedSettings {
        let process = Process::default();
        let config = load_from(&self.args, &process, self.file_has_settings);
        LoadedSettings { config, files: process.files.into_inner() }
    }
}

fn load_from(
    args: &SettingsArgs,
    process: &Process,
    file_has_settings: bool,
) -> Result<Config, SettingsError> {
    let file = read_file(args.config.as_deref(), process)?;
    if let Some((path, text)) = &file
        && file_has_settings
        && !sets_something(text)
    {
        return Err(SettingsError::Empty { path: path.clone() });
    }
    let flags =
        Flags { listen: args.listen.clone(), store: args.store.clone(), log_format: args.log_format.clone() };
    Ok(aibridge_config::load(&Sources { file, env: variables(), flags }, process)?)
}

fn read_file(named: Option<&Path>, process: &Process) -> Result<Option<(PathBuf, String)>, SettingsError> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match process.read(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SettingsError::File { path: path.to_owned(), source }),
    }
}
