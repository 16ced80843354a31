use crate::base_url::{self, Wanted};
use crate::choice::choice;
use crate::report::Report;
use serde::{Deserialize, Serialize};
use url::Url;

/// Where traces go, by OTLP.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// The collector; always ends in one slash. With [`OtlpProtocol::Http`], `v1/traces` is appended.
    pub endpoint: Url,
    /// How it is spoken to.
    pub protocol: OtlpProtocol,
    /// How many of the traces that begin here are sent, from 0 to 1.
    pub sample_ratio: f64,
    /// Whether the provider is told the trace, in `traceparent`.
    pub propagate: bool,
}

/// How OTLP is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtlpProtocol {
    /// gRPC.
    Grpc,
    /// Protobuf in HTTP requests.
    Http,
}

impl OtlpProtocol {
    const ALL: [Self; 2] = [Self::Grpc, Self::Http];

    /// How it is written in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }

    /// As `OTEL_EXPORTER_OTLP_PROTOCOL` has it.
    pub(crate) fn from_standard(text: &str) -> Option<Self> {
        match text {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::Http),
            _ => None,
        }
    }
}

const ENDPOINT: Wanted =
    Wanted { example: "http://localhost:4317", credentials: "OTEL_EXPORTER_OTLP_HEADERS" };

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawTelemetry {
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

/// The outer `None` is a problem, the inner one is no endpoint.
pub(crate) fn resolve(raw: &RawTelemetry, report: &mut Report<'_>) -> Option<Option<Telemetry>> {
    let endpoint = match raw.endpoint.trim() {
        "" => Ok(None),
        text => base_url::parse(text, ENDPOINT).map(Some),
    };
    let endpoint = report.keep("telemetry.endpoint", endpoint);
    let protocol = choice(&raw.protocol, &OtlpProtocol::ALL, OtlpProtocol::as_str);
    let protocol = report.keep("telemetry.protocol", protocol);
    let sample_ratio = report.keep("telemetry.sample_ratio", ratio(raw.sample_ratio));
    let (protocol, sample_ratio) = (protocol?, sample_ratio?);
    let send_to = |endpoint| Telemetry { endpoint, protocol, sample_ratio, propagate: raw.propagate };
    endpoint.map(|endpoint| endpoint.map(send_to))
}

fn ratio(number: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(format!("{number} is no ratio; write a number from 0.0 to 1.0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_lie_between_none_and_all() {
        for number in [0.0, 0.25, 1.0] {
            assert_eq!(ratio(number), Ok(number));
        }
        for number in [-0.1, 1.1, 100.0, f64::NAN, f64::INFINITY] {
            assert!(ratio(number).is_err_and(|message| message.contains("is no ratio")), "{number}");
        }
    }

    #[test]
    fn the_standard_names_of_protocols_are_others() {
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
