//! Rules that match the names of a model or a vendor, in the format of the `genai-prices` data.

use fancy_regex::Regex;
use serde::Deserialize;
use std::sync::OnceLock;

/// A rule as the data states it. Literals are compared without regard to case.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawRule {
    And(Vec<RawRule>),
    Or(Vec<RawRule>),
    Contains(String),
    EndsWith(String),
    Equals(String),
    StartsWith(String),
    Regex(String),
}

/// A rule that is ready to use: literals are in lower case.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Contains(String),
    EndsWith(String),
    Equals(String),
    StartsWith(String),
    Regex(Pattern),
}

/// A regular expression that is compiled when it is first used: most are never needed.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) const fn new(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Whether the pattern matches somewhere in `text`. A pattern that exceeds the backtracking limit does not
    /// match, nor does an invalid one; a test compiles every pattern of the bundled data.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(&self.text).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(text).unwrap_or(false))
    }

    #[cfg(test)]
    pub(crate) fn is_valid(&self) -> bool {
        Regex::new(&self.text).is_ok()
    }
}

/// A regular expression for base URLs. It is compiled for each use, because providers are created seldom and compiled
/// expressions of every vendor would take megabytes.
#[derive(Debug)]
pub(crate) struct UrlPattern(pub(crate) String);

impl UrlPattern {
    /// Whether the pattern matches somewhere in `url`.
    pub(crate) fn is_match(&self, url: &str) -> bool {
        Regex::new(&self.0).is_ok_and(|regex| regex.is_match(url).unwrap_or(false))
    }

    #[cfg(test)]
    pub(crate) fn is_valid(&self) -> bool {
        Regex::new(&self.0).is_ok()
    }
}

impl RawRule {
    pub(crate) fn compile(self) -> Rule {
        let all = |rules: Vec<Self>| rules.into_iter().map(Self::compile).collect();
        match self {
            Self::And(rules) => Rule::And(all(rules)),
            Self::Or(rules) => Rule::Or(all(rules)),
            Self::Contains(text) => Rule::Contains(text.to_lowercase()),
            Self::EndsWith(text) => Rule::EndsWith(text.to_lowercase()),
            Self::Equals(text) => Rule::Equals(text.to_lowercase()),
            Self::StartsWith(text) => Rule::StartsWith(text.to_lowercase()),
            Self::Regex(text) => Rule::Regex(Pattern::new(text)),
        }
    }
}

impl Rule {
    /// Whether the rule matches `name`, which must be in lower case.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::And(rules) => rules.iter().all(|rule| rule.matches(name)),
            Self::Or(rules) => rules.iter().any(|rule| rule.matches(name)),
            Self::Contains(text) => name.contains(text.as_str()),
            Self::EndsWith(text) => name.ends_with(text.as_str()),
            Self::Equals(text) => name == text,
            Self::StartsWith(text) => name.starts_with(text.as_str()),
            Self::Regex(pattern) => pattern.is_match(name),
        }
    }

    /// Moves the names that this rule matches literally to `names`, and returns the rest of the rule, if any.
    pub(crate) fn split_literals(self, names: &mut Vec<String>) -> Option<Self> {
        match self {
            Self::Equals(name) => {
                names.push(name);
                None
            }
            Self::Or(rules) => {
                let rest: Vec<Self> =
                    rules.into_iter().filter_map(|rule| rule.split_literals(names)).collect();
                (!rest.is_empty()).then_some(Self::Or(rest))
            }
            rule => Some(rule),
        }
    }
}

/// `name` with each compact date, as in `-20251211`, in its long form, `-2025-12-11`; `None` if there is none.
///
/// Some gateways name snapshots this way, and the data lists the long form.
pub(crate) fn expand_dates(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let mut expanded = String::with_capacity(name.len() + 2);
    let mut copied = 0;
    for at in 0..bytes.len() {
        let Some(date) = name.get(at + 1..at + 9).filter(|_| bytes[at] == b'-') else { continue };
        let ends = matches!(bytes.get(at + 9), None | Some(b'-' | b':'));
        if ends && date.starts_with("20") && date.bytes().all(|byte| byte.is_ascii_digit()) {
            let long = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
            if long.parse::<jiff::civil::Date>().is_ok() {
                expanded.push_str(&name[copied..=at]);
                expanded.push_str(&long);
                copied = at + 9;
            }
        }
    }
    (copied > 0).then(|| {
        expanded.push_str(&name[copied..]);
        expanded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_compact_dates() {
        let table = [
            ("gpt-5.2-20251211", Some("gpt-5.2-2025-12-11")),
            ("model-20251211:free", Some("model-2025-12-11:free")),
            ("a-20251211-20240229", Some("a-2025-12-11-2024-02-29")),
            ("model-20250230", None),
            ("model-202512110", None),
            ("model", None),
            ("é-2025121é", None),
        ];
        for (name, expected) in table {
            assert_eq!(expand_dates(name).as_deref(), expected, "{name}");
        }
    }
}
