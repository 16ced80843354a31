//! Settings in the environment variables of OpenTelemetry.

use super::{Layer, Origin, nested};
use crate::{Environment, OtlpProtocol};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";

/// The settings of `[telemetry]` in variables that are set and not empty. The gateway's own settings take precedence. A
/// protocol that the gateway does not support counts as unset.
pub(crate) fn from_telemetry_variables(environment: &dyn Environment) -> impl Iterator<Item = Layer> {
    let var = |name| environment.var(name).map(|value| value.trim().to_owned());
    let endpoint = var(ENDPOINT).filter(|value| !value.is_empty());
    let protocol = var(PROTOCOL).and_then(|value| OtlpProtocol::from_standard(&value));
    let protocol = protocol.map(|protocol| protocol.as_str().to_owned());
    let all = [(ENDPOINT, "endpoint", endpoint), (PROTOCOL, "protocol", protocol)];
    all.into_iter().filter_map(|(name, setting, value)| {
        let tree = nested(["telemetry", setting], value?.into());
        Some(Layer { origin: Origin::Variable(name.to_owned()), tree })
    })
}
