//! Where settings come from: the file, the environment, the flags.

use crate::cli::SettingsArgs;
use aibridge_config::{Config, ConfigError, Environment, Flags, Sources};
#[cfg(unix)]
use rustix::fs::OFlags;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read as _};
#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
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
    /// The file has lost what was in it.
    #[error(
        "the settings file {} has no settings, and had some before: restart to serve without them",
        path.display()
    )]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// What they say cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Where a process that serves reads its settings again.
#[derive(Debug, Clone)]
pub struct Again {
    args: SettingsArgs,
    says_something: bool,
}

/// What there is to read, and what was read to find out.
pub struct Read {
    /// The settings, or all that is wrong with them.
    pub config: Result<Config, SettingsError>,
    /// The files that had a say, whether or not they could be read.
    pub files: Vec<PathBuf>,
}

/// This process, with the files that were asked for.
#[derive(Default)]
struct Process {
    files: RefCell<Vec<PathBuf>>,
}

impl Environment for Process {
    #[expect(clippy::disallowed_methods, reason = "the environment is this crate's to read")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.borrow_mut().push(path.to_owned());
        read_whole(path)
    }
}

/// How much is read of a file, far more than settings or a key need.
const FILE_BYTES: u64 = 16 << 20;

/// Reads a file that is there as a whole. To open a pipe, or to read from it, might take for ever.
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
    if file.take(FILE_BYTES + 1).read_to_string(&mut text)? as u64 > FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// Whether a settings file with this text sets anything: it may hold comments alone.
fn sets_something(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| !line.is_empty() && !line.starts_with('#'))
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
    load_from(args, &Process::default(), false)
}

impl Again {
    /// From where `args` say, as it is now: a file that says something now must not be gone or empty later. It is then
    /// being written, or there was no room for it.
    pub fn new(args: SettingsArgs) -> Self {
        let path = args.config.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        let says_something = read_whole(&path).is_ok_and(|text| sets_something(&text));
        let config = if says_something { Some(path) } else { args.config };
        Self { args: SettingsArgs { config, ..args }, says_something }
    }

    /// Loads the settings, and says which files they came from.
    pub fn read(&self) -> Read {
        let process = Process::default();
        let config = load_from(&self.args, &process, self.says_something);
        Read { config, files: process.files.into_inner() }
    }
}

fn load_from(args: &SettingsArgs, process: &Process, says_something: bool) -> Result<Config, SettingsError> {
    let file = read_file(args.config.as_deref(), process)?;
    if let Some((path, text)) = &file
        && says_something
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
