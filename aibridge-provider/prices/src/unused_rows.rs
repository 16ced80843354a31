//! The rows of an operator's file that apply to no request: mostly a misspelled name.

use crate::overrides::OverrideRow;
use crate::table::{PriceTable, STANDARD_TIERS};

/// The service tiers that vendors document, beside the standard one.
const KNOWN_TIERS: [&str; 5] = ["batch", "flex", "performance", "priority", "scale"];

impl PriceTable {
    /// A message for each row of the operator's file that applies to no request of `providers`, which are pairs of the name
    /// in the settings and the vendor.
    pub fn unused_rows(&self, providers: &[(&str, &str)]) -> Vec<String> {
        self.operator_rows().iter().filter_map(|row| problem(row, providers)).collect()
    }
}

fn problem(row: &OverrideRow, providers: &[(&str, &str)]) -> Option<String> {
    let id = row.id();
    let is_named = |name: &String| {
        providers.iter().flat_map(|(own, vendor)| [own, vendor]).any(|known| name.eq_ignore_ascii_case(known))
    };
    if let Some(name) = row.provider.as_ref().filter(|name| !is_named(name)) {
        let mut known: Vec<&str> = providers.iter().flat_map(|(own, vendor)| [*own, *vendor]).collect();
        known.sort_unstable();
        known.dedup();
        let advice = match &known[..] {
            [] => "configure a provider".to_owned(),
            known => format!("write one of {}", known.join(", ")),
        };
        return Some(format!(
            "the price of {id} applies to nothing: no provider here is called {name:?} or is of that vendor; {advice}"
        ));
    }
    let tier = row.service_tier.as_deref()?;
    if STANDARD_TIERS.contains(&tier) {
        Some(format!(
            "the price of {id} applies to nothing: {tier:?} is the standard service tier; leave service_tier out"
        ))
    } else if !KNOWN_TIERS.contains(&tier) {
        let known = KNOWN_TIERS.join(", ");
        Some(format!(
            "the price of {id} may apply to nothing: no vendor is known to have a service tier {tier:?}; known are {known}"
        ))
    } else {
        None
    }
}
