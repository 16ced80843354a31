//! One source of settings, before it is known whether they make sense.

mod environment;
mod fallback;
mod file;
mod telemetry;

pub(crate) use environment::from_environment;
pub(crate) use fallback::fallback_provider;
pub(crate) use file::from_file;
pub(crate) use telemetry::from_telemetry_variables;

use crate::{Flags, Problem};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::path::PathBuf;

/// Settings of one source.
pub(crate) struct Layer {
    pub(crate) origin: Origin,
    pub(crate) tree: Dict,
}

/// Where the settings of a layer stand.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    /// An `AIBRIDGE_*` variable, or one of OpenTelemetry's: one setting, always as text.
    Variable(String),
    Flag(&'static str),
    /// `OPENAI_API_KEY` and `OPENAI_BASE_URL`.
    OpenAiVariables,
}

impl Origin {
    /// What an operator calls the place where `setting` was set.
    pub(crate) fn name(&self, setting: &str) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Variable(name) => name.clone(),
            Self::Flag(flag) => (*flag).to_owned(),
            Self::OpenAiVariables if setting.ends_with(".base_url") => fallback::BASE_URL.to_owned(),
            Self::OpenAiVariables => fallback::API_KEY.to_owned(),
        }
    }

    /// A problem with `setting` of this source.
    pub(crate) fn problem(&self, setting: &str, message: String) -> Problem {
        Problem { origin: self.name(setting), setting: Some(setting.to_owned()), message }
    }
}

/// The flags that were given.
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

/// A tree that holds `value` at `path`.
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
