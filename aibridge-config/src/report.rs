use crate::Problem;
use figment::{Figment, Profile};

/// Collects what is wrong with the settings, and knows where each was set.
pub(crate) struct Report<'a> {
    layers: &'a Figment,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    /// `problems` are known already.
    pub(crate) fn new(layers: &'a Figment, problems: Vec<Problem>) -> Self {
        Self { layers, problems }
    }

    /// The value of `setting`; `None` if it is a problem.
    pub(crate) fn keep<T>(&mut self, setting: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.problem(setting, message)).ok()
    }

    /// `setting` cannot be used. Only the first problem of each setting counts: the others follow from it.
    pub(crate) fn problem(&mut self, setting: &str, message: String) {
        if !self.concerns(setting) {
            let origin = self.origin(setting);
            self.problems.push(Problem { origin, setting: Some(setting.to_owned()), message });
        }
    }

    /// Whether there is a problem with `setting`.
    pub(crate) fn concerns(&self, setting: &str) -> bool {
        self.problems.iter().any(|problem| problem.setting.as_deref() == Some(setting))
    }

    pub(crate) fn finish(self) -> Vec<Problem> {
        self.problems
    }

    /// A list comes from one source as a whole, so the source of a setting in it is that of the list.
    fn origin(&self, setting: &str) -> String {
        let list = setting.split('[').next().unwrap_or(setting);
        self.layers.find_metadata(list).map_or_else(
            || "defaults".to_owned(),
            |metadata| metadata.interpolate(&Profile::Default, &[setting]),
        )
    }
}
