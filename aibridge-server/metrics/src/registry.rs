//! Metrics as they are made: registered, and with what the reference says of them.

use prometheus::core::Collector;
use prometheus::{Error, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// What the reference says of one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

/// Makes metrics.
#[derive(Default)]
pub(crate) struct Maker {
    pub(crate) registry: Registry,
    pub(crate) described: Vec<Described>,
}

type Labels = &'static [&'static str];

impl Maker {
    pub(crate) fn counter(
        &mut self,
        name: &'static str,
        labels: Labels,
        help: &'static str,
    ) -> Result<IntCounterVec, Error> {
        self.keep(
            IntCounterVec::new(Opts::new(name, help), labels)?,
            Described { name, kind: "counter", labels, help },
        )
    }

    pub(crate) fn gauge(
        &mut self,
        name: &'static str,
        labels: Labels,
        help: &'static str,
    ) -> Result<IntGaugeVec, Error> {
        self.keep(
            IntGaugeVec::new(Opts::new(name, help), labels)?,
            Described { name, kind: "gauge", labels, help },
        )
    }

    pub(crate) fn fraction(
        &mut self,
        name: &'static str,
        labels: Labels,
        help: &'static str,
    ) -> Result<GaugeVec, Error> {
        self.keep(
            GaugeVec::new(Opts::new(name, help), labels)?,
            Described { name, kind: "gauge", labels, help },
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
        self.keep(HistogramVec::new(options, labels)?, Described { name, kind: "histogram", labels, help })
    }

    fn keep<M: Collector + Clone + 'static>(&mut self, metric: M, described: Described) -> Result<M, Error> {
        self.registry.register(Box::new(metric.clone()))?;
        self.described.push(described);
        Ok(metric)
    }
}
