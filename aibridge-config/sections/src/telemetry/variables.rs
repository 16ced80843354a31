//! The variables of OpenTelemetry that have no setting of the gateway.
//!
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>. A value that cannot be used is
//! ignored with a warning. The variables of the exporter (headers, compression, batches) are read by its library.

use aibridge_values::Environment;
use percent_encoding::percent_decode_str;

/// The collector's URL for traces, which is used as it is.
pub(super) const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

const SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
const TRACES_EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

const SERVICE_NAME_ATTRIBUTE: &str = "service.name";

/// Reads the variables, and collects those that it ignores.
pub(super) struct Variables<'a> {
    environment: &'a dyn Environment,
    /// The warnings so far.
    pub(super) ignored: Vec<String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(environment: &'a dyn Environment) -> Self {
        Self { environment, ignored: Vec::new() }
    }

    /// The trimmed value of a variable; an empty one counts as unset.
    fn value(&self, name: &str) -> Option<String> {
        let value = self.environment.var(name)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    fn ignore(&mut self, name: &str, problem: &str) {
        self.ignored.push(format!("{name} {problem}"));
    }

    /// Whether the variables turn the export of traces off.
    pub(super) fn disable_traces(&self) -> bool {
        let is =
            |name, expected: &str| self.value(name).is_some_and(|value| value.eq_ignore_ascii_case(expected));
        is(SDK_DISABLED, "true") || is(TRACES_EXPORTER, "none")
    }

    /// The fraction of sampled traces, and whether a trace from elsewhere keeps its decision.
    pub(super) fn sampler(&mut self) -> Option<(f64, bool)> {
        let name = self.value(SAMPLER)?.to_ascii_lowercase();
        let (is_parent_based, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name.as_str()),
        };
        let ratio = match root {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => self.sampler_ratio(),
            _ => {
                let known = "always_on, always_off, traceidratio, or one of these after parentbased_";
                self.ignore(
                    SAMPLER,
                    &format!("is not a known sampler, so parentbased_always_on is used: write {known}"),
                );
                return Some((1.0, true));
            }
        };
        Some((ratio, is_parent_based))
    }

    fn sampler_ratio(&mut self) -> f64 {
        let Some(text) = self.value(SAMPLER_ARG) else { return 1.0 };
        match text.parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
            _ => {
                self.ignore(
                    SAMPLER_ARG,
                    "is not a ratio, so all traces are sampled: write a number from 0.0 to 1.0",
                );
                1.0
            }
        }
    }

    /// The resource attributes. The name of the service is `aibridge` unless a variable sets it.
    pub(super) fn resource(&mut self) -> Vec<(String, String)> {
        let mut attributes = match self.value(RESOURCE_ATTRIBUTES).map(|text| attributes(&text)) {
            Some(Some(attributes)) => attributes,
            Some(None) => {
                self.ignore(
                    RESOURCE_ATTRIBUTES,
                    "is not a list of attributes: write KEY=VALUE,KEY=VALUE, percent-encoded",
                );
                Vec::new()
            }
            None => Vec::new(),
        };
        let named =
            attributes.iter().any(|(name, value)| name == SERVICE_NAME_ATTRIBUTE && !value.is_empty());
        let service = self.value(SERVICE_NAME).or_else(|| (!named).then(|| "aibridge".to_owned()));
        if let Some(service) = service {
            attributes.retain(|(name, _)| name != SERVICE_NAME_ATTRIBUTE);
            attributes.push((SERVICE_NAME_ATTRIBUTE.to_owned(), service));
        }
        attributes
    }
}

/// Parses `KEY=VALUE,KEY=VALUE`, percent-encoded. `None` if any part is malformed.
fn attributes(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (decode(name.trim())?, decode(value.trim())?);
            (!name.is_empty()).then_some((name, value))
        })
        .collect()
}

/// Decodes percent-encoded text. `None` if a sequence is malformed, or the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let is_sequence = |at: usize| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let is_valid = text.match_indices('%').all(|(at, _)| is_sequence(at));
    is_valid.then(|| percent_decode_str(text).decode_utf8().ok().map(Into::into))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::Path;

    struct Set<'a>(&'a [(&'a str, &'a str)]);

    impl Environment for Set<'_> {
        fn var(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
        }

        fn read(&self, _: &Path) -> io::Result<String> {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn samplers_have_the_names_of_the_specification() {
        let table = [
            ("", "", None, ""),
            ("always_on", "", Some((1.0, false)), ""),
            ("always_off", "", Some((0.0, false)), ""),
            ("traceidratio", "0.25", Some((0.25, false)), ""),
            ("traceidratio", "", Some((1.0, false)), ""),
            ("parentbased_always_on", "0.5", Some((1.0, true)), ""),
            ("ParentBased_Always_Off", "", Some((0.0, true)), ""),
            ("parentbased_traceidratio", " 0.5 ", Some((0.5, true)), ""),
            ("parentbased_traceidratio", "2", Some((1.0, true)), SAMPLER_ARG),
            ("traceidratio", "half", Some((1.0, false)), SAMPLER_ARG),
            ("traceidratio", "NaN", Some((1.0, false)), SAMPLER_ARG),
            ("jaeger_remote", "", Some((1.0, true)), SAMPLER),
            ("parentbased_", "", Some((1.0, true)), SAMPLER),
        ];
        for (sampler, arg, expected, ignored) in table {
            let set = [(SAMPLER, sampler), (SAMPLER_ARG, arg)];
            let environment = Set(&set);
            let mut variables = Variables::new(&environment);
            assert_eq!(variables.sampler(), expected, "{sampler} {arg}");
            let warned = variables.ignored.first().and_then(|warning| warning.split(' ').next());
            assert_eq!(warned.unwrap_or_default(), ignored, "{sampler} {arg}");
        }
    }

    #[test]
    fn attributes_are_percent_encoded_pairs() {
        let pairs = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let table: [(&str, Option<Vec<(String, String)>>); 9] = [
            ("a=b", pairs(&[("a", "b")])),
            (" a = b , c=d,", pairs(&[("a", "b"), ("c", "d")])),
            ("a=b%2Cc%3Dd%20e", pairs(&[("a", "b,c=d e")])),
            ("a%2Eb=%C3%BC", pairs(&[("a.b", "\u{fc}")])),
            ("a=b=c", pairs(&[("a", "b=c")])),
            ("a=", pairs(&[("a", "")])),
            ("a=b,c", None),
            ("a=%2", None),
            ("a=%ff", None),
        ];
        for (text, expected) in table {
            assert_eq!(attributes(text), expected, "{text}");
        }
    }

    #[test]
    fn the_service_has_the_most_specific_name() {
        let table: [(&str, &str, &str); 5] = [
            ("", "", "aibridge"),
            ("mine", "", "mine"),
            ("", "service.name=ours", "ours"),
            ("mine", "service.name=ours", "mine"),
            ("", "service.name=", "aibridge"),
        ];
        for (service, attributes, expected) in table {
            let set = [(SERVICE_NAME, service), (RESOURCE_ATTRIBUTES, attributes)];
            let environment = Set(&set);
            let resource = Variables::new(&environment).resource();
            assert_eq!(resource, [(SERVICE_NAME_ATTRIBUTE.to_owned(), expected.to_owned())]);
        }
    }
}
