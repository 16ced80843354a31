//! Warnings about prices that apply to no request.

use crate::billing::vendor_of;
use aibridge_config::Config;

/// A warning for each row of the operator's price file that applies to no request of the configured providers.
pub fn price_warnings(config: &Config) -> Vec<String> {
    let table = &config.prices.table;
    let vendors: Vec<String> = config.providers.iter().map(|provider| vendor_of(provider, table)).collect();
    let names = config.providers.iter().map(|provider| provider.name.as_str());
    table.unused_rows(&names.zip(vendors.iter().map(String::as_str)).collect::<Vec<_>>())
}
