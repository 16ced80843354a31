//! The samples of `/metrics` after real traffic.

mod access;
mod bounds;
mod interceptions;
mod pools;
mod refusals;

use crate::harness::Harness;
use aibridge_testkit::RawClient;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Samples by name and labels in their exposition form.
pub(crate) struct Scraped(BTreeMap<String, f64>);

impl Scraped {
    pub(crate) async fn of(gateway: &Harness) -> Self {
        Self::at(gateway.admin.unwrap_or(gateway.address)).await
    }

    async fn at(address: SocketAddr) -> Self {
        let response = RawClient::get(address, "/metrics").await;
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let samples = response.text().lines().filter(|line| !line.starts_with('#'));
        Self(
            samples
                .map(|line| line.rsplit_once(' ').unwrap())
                .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
                .collect(),
        )
    }

    /// The value of a series, or 0 if it does not exist.
    pub(crate) fn value(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or(0.0)
    }

    fn check(&self, expected: &[(&str, f64)]) {
        for (series, value) in expected {
            let metric = series.split('{').next().unwrap();
            let near: Vec<_> = self.0.iter().filter(|(name, _)| name.starts_with(metric)).collect();
            assert_eq!(self.value(series), *value, "{series} among {near:#?}");
        }
    }

    /// All series of a metric.
    fn series(&self, metric: &str) -> Vec<&str> {
        let is_of = |name: &&str| name.split('{').next() == Some(metric);
        self.0.keys().map(String::as_str).filter(is_of).collect()
    }
}
