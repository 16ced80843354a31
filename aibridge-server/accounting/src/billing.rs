//! Selects the vendor whose prices apply to a provider.

use aibridge_prices::PriceTable;

/// The vendor and the kind of payment for the requests of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Billing {
    /// The configured name of the provider.
    pub(crate) provider: String,
    /// The vendor in the price table, or another name, for which only an operator's file can have prices.
    pub(crate) vendor: String,
    /// Whether the users of the provider pay a subscription, so that a request costs nothing.
    pub(crate) is_subscription: bool,
}

impl Billing {
    /// The billing of a provider.
    pub(crate) fn of(provider: &aibridge_config::Provider, table: &PriceTable) -> Self {
        let vendor = vendor_of(provider, table);
        table.prepare(&vendor);
        Self { provider: provider.name.clone(), vendor, is_subscription: provider.subscription }
    }
}

/// The vendor of a provider in the price table: by its preset, else by its base URL, else by the type of its API.
///
/// The type is a good guess for a base URL that the table does not list: mostly it is a relay in front of the vendor that
/// defined the API, or a local server, whose models have no price in that vendor's list.
pub fn vendor_of(provider: &aibridge_config::Provider, table: &PriceTable) -> String {
    let kind = provider.kind.as_str();
    let vendor = match provider.preset.filter(|preset| preset.name != kind) {
        Some(preset) => table.vendor_of_name(preset.name).unwrap_or(preset.name),
        None => {
            let by_url = table.vendor_of_url(provider.base_url.as_str());
            by_url.or_else(|| table.vendor_of_name(kind)).unwrap_or(kind)
        }
    };
    vendor.to_owned()
}
