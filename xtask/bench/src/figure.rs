//! A measured figure: its values for each target, and its goal.

use serde_json::{Value, json};

/// One measured quantity with the values of all targets.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) unit: &'static str,
    /// The value of each target, by name.
    pub(super) values: Vec<(&'static str, Spread)>,
    /// The name of the figure of the chat API that this one is compared with.
    pub(super) base: Option<String>,
    /// The highest ratio or value that the gateway should have.
    pub(super) goal: Goal,
}

/// The goal of a figure.
#[derive(Clone, Copy)]
pub(super) enum Goal {
    /// The figure has no goal.
    None,
    /// The highest ratio to nginx.
    Ratio(f64),
    /// The highest ratio to the same traffic of the chat API.
    RatioToChat(f64),
    /// The highest value, in the unit of the figure.
    AtMost(f64),
}

/// The sorted values of several runs.
#[derive(Clone)]
pub(super) struct Spread {
    sorted: Vec<f64>,
}

impl Spread {
    pub(super) fn of(mut runs: Vec<f64>) -> Self {
        runs.sort_by(f64::total_cmp);
        Self { sorted: runs }
    }

    pub(super) fn median(&self) -> f64 {
        self.sorted.get(self.sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn ends(&self) -> (f64, f64) {
        let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
        (end(self.sorted.first()), end(self.sorted.last()))
    }

    /// Formats the values as `median (min-max)`.
    pub(super) fn text(&self) -> String {
        let (least, most) = self.ends();
        match self.sorted.len() {
            0 => String::new(),
            1 => number(least),
            _ => format!("{} ({}-{})", number(self.median()), number(least), number(most)),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let (min, max) = self.ends();
        json!({"median": self.median(), "min": min, "max": max, "runs": self.sorted})
    }
}

impl Figure {
    pub(super) fn value(&self, target: &str) -> Option<&Spread> {
        self.values.iter().find(|(name, _)| *name == target).map(|(_, spread)| spread)
    }
}

/// Formats a value with three digits; the measurement has no more precision.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_its_median_and_its_ends() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 200.0]).text(), "3.00 (1.00-200)");
        assert_eq!(Spread::of(vec![12.34]).text(), "12.3");
        assert_eq!(Spread::of(Vec::new()).text(), "");
    }
}
