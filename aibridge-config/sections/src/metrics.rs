//! `[metrics]`: the metrics for Prometheus.

use aibridge_values::integer::RawInteger;
use serde::{Deserialize, Serialize};

/// The metrics for Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Whether the route `/metrics` is served.
    pub enabled: bool,
    /// The maximum number of models in labels. Further models have the label `other`.
    pub max_models: usize,
    /// The maximum number of tools in labels. Further tools have the label `other`.
    pub max_tools: usize,
}

/// The mirror of `[metrics]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawMetrics {
    enabled: bool,
    max_models: RawInteger,
    max_tools: RawInteger,
}

impl Default for RawMetrics {
    fn default() -> Self {
        Self { enabled: true, max_models: RawInteger::new(100), max_tools: RawInteger::new(100) }
    }
}

impl From<&Metrics> for RawMetrics {
    fn from(metrics: &Metrics) -> Self {
        let number = |number| RawInteger::new(u32::try_from(number).unwrap_or(u32::MAX));
        Self {
            enabled: metrics.enabled,
            max_models: number(metrics.max_models),
            max_tools: number(metrics.max_tools),
        }
    }
}

/// Validates `[metrics]`. `None` if it has a problem.
pub fn resolve(raw: &RawMetrics) -> Metrics {
    let number = |raw: RawInteger| usize::try_from(raw.get()).unwrap_or(usize::MAX);
    Metrics { enabled: raw.enabled, max_models: number(raw.max_models), max_tools: number(raw.max_tools) }
}
