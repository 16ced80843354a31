//! Settings in the environment variables of OpenTelemetry.

use super::{Layer, Origin, nested};
use crate::{Environment, OtlpProtocol};

/// The variables of each setting, in order of precedence: a variable for traces precedes one for all signals. What a
/// variable for all signals means for a URL is different (`telemetry/variables.rs`).
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/// The settings of `[telemetry]` in variables that are set and not empty. The gateway's own settings take precedence. A
/// protocol that the gateway does not support counts as unset.
pub(crate) fn from_telemetry_variables(environment: &dyn Environment) -> impl Iterator<Item = Layer> {
    let var = |name| environment.var(name).map(|value| value.trim().to_owned());
    let endpoint = ENDPOINTS
        .into_iter()
        .find_map(|name| Some((name, "endpoint", var(name).filter(|value| !value.is_empty())?)));
    let protocol = PROTOCOLS.into_iter().find_map(|name| {
        let protocol = OtlpProtocol::from_standard(&var(name)?)?;
        Some((name, "protocol", protocol.as_str().to_owned()))
    });
    endpoint.into_iter().chain(protocol).map(|(name, setting, value)| Layer {
        origin: Origin::Variable(name.to_owned()),
        tree: nested(["telemetry", setting], value.into()),
    })
}
