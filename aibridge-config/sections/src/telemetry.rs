//! `[telemetry]`: the export of traces.

mod variables;

use aibridge_values::Environment;
use aibridge_values::base_url::{self, Advice};
use aibridge_values::choice::choice;
use aibridge_values::report::Report;
use serde::{Deserialize, Serialize};
use url::Url;
use variables::Variables;

/// The export of traces over OTLP.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// The URL of the collector; ends in a slash unless it is exact.
    pub endpoint: Url,
    /// Whether `endpoint` is used as it is; else [`OtlpProtocol::Http`] appends `v1/traces`.
    pub is_endpoint_exact: bool,
    /// The transport of OTLP.
    pub protocol: OtlpProtocol,
    /// The fraction of the traces that start here and are exported, from 0 to 1.
    pub sample_ratio: f64,
    /// Whether a trace that started elsewhere keeps its sampling decision; else `sample_ratio` applies to all traces.
    pub is_parent_based: bool,
    /// Whether upstream requests contain the header `traceparent`.
    pub propagate: bool,
    /// The names and values of the resource attributes, with at least `service.name`.
    pub resource: Vec<(String, String)>,
    /// Variables of OpenTelemetry whose values are ignored, and why: for warnings.
    pub ignored: Vec<String>,
}

/// The transport of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtlpProtocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP as Protobuf over HTTP.
    Http,
}

impl OtlpProtocol {
    const ALL: [Self; 2] = [Self::Grpc, Self::Http];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }

    /// Parses a value of `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub fn from_standard(text: &str) -> Option<Self> {
        match text {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::Http),
            _ => None,
        }
    }
}

const ENDPOINT: Advice =
    Advice { example: "http://localhost:4317", credentials: "OTEL_EXPORTER_OTLP_HEADERS" };

/// The mirror of `[telemetry]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawTelemetry {
    endpoint: String,
    protocol: String,
    sample_ratio: f64,
    propagate: bool,
}

impl Default for RawTelemetry {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            protocol: OtlpProtocol::Grpc.as_str().into(),
            sample_ratio: 1.0,
            propagate: false,
        }
    }
}

impl From<&Telemetry> for RawTelemetry {
    fn from(telemetry: &Telemetry) -> Self {
        Self {
            endpoint: telemetry.endpoint.to_string(),
            protocol: telemetry.protocol.as_str().into(),
            sample_ratio: telemetry.sample_ratio,
            propagate: telemetry.propagate,
        }
    }
}

/// `None` if there is a problem, `Some(None)` if no traces are exported. OpenTelemetry's own variables apply where there
/// is no setting.
pub fn resolve(
    raw: &RawTelemetry,
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Option<Telemetry>> {
    let protocol = choice(&raw.protocol, &OtlpProtocol::ALL, OtlpProtocol::as_str);
    let protocol = report.keep("telemetry.protocol", protocol);
    let is_exact = report.origin("telemetry.endpoint") == variables::TRACES_ENDPOINT;
    let endpoint = match raw.endpoint.trim() {
        "" => Ok(None),
        text if is_exact => base_url::parse_exact(text, ENDPOINT).map(Some),
        text => base_url::parse(text, ENDPOINT).map(Some),
    };
    let endpoint = report.keep("telemetry.endpoint", endpoint);
    let sample_ratio = report.keep("telemetry.sample_ratio", ratio(raw.sample_ratio));
    let (protocol, endpoint, mut sample_ratio) = (protocol?, endpoint?, sample_ratio?);
    let mut variables = Variables::new(environment);
    let Some(endpoint) = endpoint.filter(|_| !variables.disable_traces()) else { return Some(None) };
    let mut is_parent_based = true;
    if report.is_default("telemetry.sample_ratio") {
        (sample_ratio, is_parent_based) = variables.sampler().unwrap_or((sample_ratio, is_parent_based));
    }
    Some(Some(Telemetry {
        endpoint,
        is_endpoint_exact: is_exact,
        protocol,
        sample_ratio,
        is_parent_based,
        propagate: raw.propagate,
        resource: variables.resource(),
        ignored: variables.ignored,
    }))
}

fn ratio(number: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(format!("{number} is not a ratio; write a number from 0.0 to 1.0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_lie_between_0_and_1() {
        for number in [0.0, 0.25, 1.0] {
            assert_eq!(ratio(number), Ok(number));
        }
        for number in [-0.1, 1.1, 100.0, f64::NAN, f64::INFINITY] {
            assert!(ratio(number).is_err_and(|message| message.contains("is not a ratio")), "{number}");
        }
    }

    #[test]
    fn maps_the_protocol_names_of_opentelemetry() {
        let table = [
            ("grpc", Some(OtlpProtocol::Grpc)),
            ("http/protobuf", Some(OtlpProtocol::Http)),
            ("http/json", None),
            ("http", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(OtlpProtocol::from_standard(text), expected, "{text:?}");
        }
    }
}
