//! Settings in environment variables.

use super::{Layer, Origin, nested};
use crate::Problem;

const PREFIX: &str = "AIBRIDGE_";

/// The variable with the access token of the user of a command. It is not a setting.
pub const TOKEN_VARIABLE: &str = "AIBRIDGE_TOKEN";

/// The settings in the environment. Each is a layer of its own, so that a problem can name its variable.
///
/// `AIBRIDGE_SERVER__LISTEN` sets `server.listen`. All values are text here; for settings of other types,
/// [`shape`](crate::shape) parses them as TOML.
pub(crate) fn from_environment(env: &[(String, String)], problems: &mut Vec<Problem>) -> Vec<Layer> {
    let mut settings: Vec<(&str, &str, &str)> = env
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), name.strip_prefix(PREFIX)?, value.as_str())))
        .filter(|(name, rest, value)| *name != TOKEN_VARIABLE && !is_service_link(rest, value))
        .collect();
    settings.sort_unstable(); // the environment has no order, but problems should have one

    let mut layers = Vec::new();
    for (name, rest, value) in settings {
        let path = rest.to_ascii_lowercase();
        if path.split("__").any(str::is_empty) {
            problems.push(Problem {
                origin: name.to_owned(),
                setting: None,
                message: format!(
                    "is not the name of a setting; write e.g. {PREFIX}SERVER__LISTEN, two underscores per level"
                ),
            });
        } else {
            let tree = nested(path.split("__").collect::<Vec<_>>(), value.into());
            layers.push(Layer { origin: Origin::Variable(name.to_owned()), tree });
        }
    }
    layers
}

/// Whether Kubernetes sets a variable in every pod for a service called `aibridge` or `aibridge-…` (Docker links did the
/// same): `AIBRIDGE_SERVICE_HOST`, `AIBRIDGE_PORT=tcp://…`, `AIBRIDGE_PORT_8080_TCP_ADDR`. Such variables are ignored.
fn is_service_link(rest: &str, value: &str) -> bool {
    let words: Vec<&str> = rest.split('_').collect();
    let service = |pair: &[&str]| matches!(pair, ["SERVICE", "HOST" | "PORT"]);
    let port = |triple: &[&str]| matches!(triple, ["PORT", number, "TCP" | "UDP" | "SCTP"] if number.parse::<u16>().is_ok());
    words.windows(2).any(service)
        || words.windows(3).any(port)
        || (words.last() == Some(&"PORT") && value.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::value::Value;

    fn read(env: &[(&str, &str)]) -> (Vec<Layer>, Vec<Problem>) {
        let env: Vec<(String, String)> =
            env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut problems = Vec::new();
        (from_environment(&env, &mut problems), problems)
    }

    #[test]
    fn two_underscores_separate_levels() {
        let table = [
            ("AIBRIDGE_SERVER__LISTEN", "server.listen"),
            ("AIBRIDGE_SERVER__MAX_BODY_BYTES", "server.max_body_bytes"),
            ("AIBRIDGE_PROVIDER", "provider"),
            ("AIBRIDGE_A__B__C", "a.b.c"),
        ];
        for (name, path) in table {
            let (layers, problems) = read(&[(name, "x")]);
            assert_eq!((layers.len(), problems.as_slice()), (1, [].as_slice()), "{name}");
            let tree = Value::from(layers[0].tree.clone());
            assert_eq!(tree.find_ref(path).and_then(Value::as_str), Some("x"), "{name}");
        }
    }

    #[test]
    fn a_name_without_a_setting_is_a_problem() {
        for name in ["AIBRIDGE_", "AIBRIDGE___LISTEN", "AIBRIDGE_SERVER__", "AIBRIDGE_SERVER____LISTEN"] {
            let (layers, problems) = read(&[(name, "x")]);
            assert_eq!((layers.len(), problems.len()), (0, 1), "{name}");
            assert!(problems[0].to_string().starts_with(&format!("{name}: is not the name of a setting; ")));
        }
    }

    #[test]
    fn variables_of_others_are_ignored() {
        let (layers, problems) = read(&[
            ("PATH", "/bin"),
            ("OPENAI_API_KEY", "sk"),
            ("AIBRIDGE", "x"),
            ("AIBRIDGE_SERVICE_HOST", "10.0.0.1"),
            ("AIBRIDGE_SERVICE_PORT", "8080"),
            ("AIBRIDGE_SERVICE_PORT_HTTP", "8080"),
            ("AIBRIDGE_PORT", "tcp://10.0.0.1:8080"),
            ("AIBRIDGE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("AIBRIDGE_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("AIBRIDGE_DATABASE_SERVICE_HOST", "10.0.0.2"),
            ("AIBRIDGE_DATABASE_PORT_5432_TCP_PROTO", "tcp"),
        ]);
        assert_eq!((layers.len(), problems.len()), (0, 0));
    }

    #[test]
    fn a_plain_port_is_a_setting() {
        assert_eq!(read(&[("AIBRIDGE_PORT", "8080")]).0.len(), 1);
    }
}
