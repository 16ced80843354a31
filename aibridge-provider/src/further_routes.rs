//! Further passthrough routes, which the settings open.

use crate::routes::{Routes, ends_with_alias_of};
use http::Method;
use std::sync::Arc;

/// The sign at the end of a route that stands for the rest of the path.
const REST: &str = "…";

/// A passthrough route of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherRoute {
    /// The only method.
    pub method: Method,
    /// The path below the route prefix. If `matches_rest`, it ends with a slash.
    pub path: String,
    /// Whether every path below `path` matches as well.
    pub matches_rest: bool,
}

impl FurtherRoute {
    fn matches(&self, path: &str) -> bool {
        match self.matches_rest {
            true => path.len() > self.path.len() && path.starts_with(&self.path),
            false => path == self.path,
        }
    }

    /// The path as the settings spell it, e.g. `/files/…`.
    fn label(&self) -> Arc<str> {
        let rest = if self.matches_rest { REST } else { "" };
        [self.path.as_str(), rest].concat().into()
    }
}

/// The further routes of a provider.
#[derive(Debug, Default)]
pub(crate) struct FurtherRoutes(Vec<(FurtherRoute, Arc<str>)>);

impl FurtherRoutes {
    pub(crate) fn new(routes: Vec<FurtherRoute>) -> Self {
        let labelled = |route: FurtherRoute| {
            let label = route.label();
            (route, label)
        };
        Self(routes.into_iter().map(labelled).collect())
    }

    /// The label of the route of `path`: preferably one with `method`. `None` also if a provider may read the path as a
    /// bridged route, whatever precedes it.
    pub(crate) fn find(&self, routes: &Routes, method: &Method, path: &str) -> Option<Arc<str>> {
        let mut matching = self.0.iter().filter(|(route, _)| route.matches(path)).peekable();
        matching.peek()?;
        if routes.bridged.iter().any(|bridged| ends_with_alias_of(path, bridged)) {
            return None;
        }
        let first = matching.peek().map(|(_, label)| label.clone());
        let found = matching.find(|(route, _)| route.method == *method);
        found.map(|(_, label)| label.clone()).or(first)
    }

    /// The methods of `path`, as in `Allow`.
    pub(crate) fn methods(&self, path: &str) -> String {
        let mut methods: Vec<&str> = Vec::new();
        for (route, _) in self.0.iter().filter(|(route, _)| route.matches(path)) {
            if !methods.contains(&route.method.as_str()) {
                methods.push(route.method.as_str());
            }
        }
        methods.join(", ")
    }
}
