//! The settings of one source, before validation.

mod environment;
mod fallback;
mod file;
mod telemetry;

pub use environment::TOKEN_VARIABLE;
pub(crate) use environment::from_environment;
pub(crate) use fallback::fallback_providers;
pub(crate) use file::from_file;
pub(crate) use telemetry::from_telemetry_variables;

use crate::{Flags, Problem};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::path::PathBuf;

/// The settings of one source.
pub(crate) struct Layer {
    pub(crate) origin: Origin,
    pub(crate) tree: Dict,
}

/// The source of a layer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    /// An `AIBRIDGE_*` variable, or a variable of OpenTelemetry: one setting, always as text.
    Variable(String),
    Flag(&'static str),
    /// The variables of the SDKs of vendors, e.g. `OPENAI_API_KEY`.
    VendorVariables,
}

impl Origin {
    /// The name of the source of `setting`, for messages.
    pub(crate) fn name(&self, setting: &str) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Variable(name) => name.clone(),
            Self::Flag(flag) => (*flag).to_owned(),
            Self::VendorVariables => fallback::variable(setting).to_owned(),
        }
    }

    /// Creates a problem with `setting` of this source.
    pub(crate) fn problem(&self, setting: &str, message: String) -> Problem {
        Problem { origin: self.name(setting), setting: Some(setting.to_owned()), message }
    }
}

/// The layers of the command-line flags that are set.
pub(crate) fn from_flags(flags: &Flags) -> impl Iterator<Item = Layer> {
    let all = [
        ("--listen", ["server", "listen"], &flags.listen),
        ("--store", ["store", "url"], &flags.store),
        ("--log-format", ["log", "format"], &flags.log_format),
    ];
    all.into_iter().filter_map(|(flag, path, value)| {
        let tree = nested(path, value.as_ref()?.as_str().into());
        Some(Layer { origin: Origin::Flag(flag), tree })
    })
}

/// A tree with `value` at `path`.
fn nested<'a>(path: impl IntoIterator<Item = &'a str, IntoIter: DoubleEndedIterator>, value: Value) -> Dict {
    let root = path.into_iter().rev().fold(value, |value, key| Dict::from([(key.to_owned(), value)]).into());
    root.into_dict().unwrap_or_default()
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let origin = self.origin.clone();
        Metadata::default().interpolater(move |_: &Profile, keys: &[&str]| origin.name(&keys.join(".")))
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.tree.clone())]))
    }
}
