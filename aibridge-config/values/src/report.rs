//! The collection of problems with the settings.

use crate::problem::Problem;
use figment::{Figment, Profile};

/// Collects problems with settings, and finds the source of each setting.
pub struct Report<'a> {
    layers: &'a Figment,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    /// Creates a report with the problems of earlier steps.
    pub fn new(layers: &'a Figment, problems: Vec<Problem>) -> Self {
        Self { layers, problems }
    }

    /// Returns the value of `setting`, or reports its problem and returns `None`.
    pub fn keep<T>(&mut self, setting: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.problem(setting, message)).ok()
    }

    /// Reports a problem with `setting`. Only the first problem of each setting is kept: the others result from it.
    pub fn problem(&mut self, setting: &str, message: String) {
        if !self.concerns(setting) {
            let origin = self.origin(setting);
            self.problems.push(Problem { origin, setting: Some(setting.to_owned()), message });
        }
    }

    /// Whether the report has a problem with `setting`.
    pub fn concerns(&self, setting: &str) -> bool {
        self.problems.iter().any(|problem| problem.setting.as_deref() == Some(setting))
    }

    /// Returns all problems, in the order of their report.
    pub fn finish(self) -> Vec<Problem> {
        self.problems
    }

    /// Whether no source contains `setting`.
    pub fn is_default(&self, setting: &str) -> bool {
        self.layers.find_metadata(setting).is_none()
    }

    /// The source of `setting`, as messages name it. All elements of a list come from the same source.
    pub fn origin(&self, setting: &str) -> String {
        let list = setting.split('[').next().unwrap_or(setting);
        self.layers.find_metadata(list).map_or_else(
            || "defaults".to_owned(),
            |metadata| metadata.interpolate(&Profile::Default, &[setting]),
        )
    }
}
