//! Creates and registers metrics, and collects their descriptions for `docs/metrics.md`.

use prometheus::core::Collector;
use prometheus::{Error, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// The label values of a metric without labels.
pub(crate) const NO_LABELS: &[&str] = &[];

/// The description of one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetricInfo {
    pub(crate) name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub(crate) kind: &'static str,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

/// Creates metrics and registers them.
#[derive(Default)]
pub(crate) struct MetricsBuilder {
    pub(crate) registry: Registry,
    pub(crate) described: Vec<MetricInfo>,
}

type Labels = &'static [&'static str];

impl MetricsBuilder {
    pub(crate) fn counter(
        &mut self,
        name: &'static str,
        labels: Labels,
        help: &'static str,
    ) -> Result<IntCounterVec, Error> {
        self.register(
            IntCounterVec::new(Opts::new(name, help), labels)?,
            MetricInfo { name, kind: "counter", labels, help },
        )
    }

    pub(crate) fn gauge(
        &mut self,
        name: &'static str,
        labels: Labels,
        help: &'static str,
    ) -> Result<IntGaugeVec, Error> {
        self.register(
            IntGaugeVec::new(Opts::new(name, help), labels)?,
            MetricInfo { name, kind: "gauge", labels, help },
        )
    }

    /// A gauge with fractional values.
    pub(crate) fn float_gauge(
        &mut self,
        name: &'static str,
        labels: Labels,
        help: &'static str,
    ) -> Result<GaugeVec, Error> {
        self.register(
            GaugeVec::new(Opts::new(name, help), labels)?,
            MetricInfo { name, kind: "gauge", labels, help },
        )
    }

    pub(crate) fn histogram(
        &mut self,
        name: &'static str,
        labels: Labels,
        buckets: &[f64],
        help: &'static str,
    ) -> Result<HistogramVec, Error> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(
            HistogramVec::new(options, labels)?,
            MetricInfo { name, kind: "histogram", labels, help },
        )
    }

    /// Describes a histogram that is rendered by itself, because another component counts its buckets.
    pub(crate) fn external_histogram(&mut self, name: &'static str, help: &'static str) {
        self.described.push(MetricInfo { name, kind: "histogram", labels: &[], help });
    }

    fn register<M: Collector + Clone + 'static>(&mut self, metric: M, info: MetricInfo) -> Result<M, Error> {
        self.registry.register(Box::new(metric.clone()))?;
        self.described.push(info);
        Ok(metric)
    }
}
