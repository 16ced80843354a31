//! The command `prices`: lists and shows the prices of models, and computes recorded costs anew.

mod recompute;

use crate::args::prices::{ListArgs, PricesCommand, ShowArgs};
use crate::output::{PrintError, print};
use crate::text_table::{one_line, table};
use aibridge_accounting::vendor_of;
use aibridge_config::Config;
use aibridge_prices::{Bucket, NanoUsd, Price, PriceQuery, PriceTable, Rate};
use aibridge_store::{StoreError, StoreOptions};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::io::Write;

/// Runs `aibridge prices`, and writes the result to `out`.
///
/// # Errors
///
/// If no price is found, the records cannot be read or written, or `out` cannot be written.
pub fn run(
    command: &PricesCommand,
    config: &Config,
    store: StoreOptions,
    out: &mut dyn Write,
) -> Result<(), PricesError> {
    let now = Timestamp::now();
    let text = match command {
        PricesCommand::List(args) => list(args, config, now),
        PricesCommand::Show(args) => show(args, config, now)?,
        PricesCommand::Recompute(args) => return recompute::run(args, config, store, out),
    };
    Ok(print(out, &text)?)
}

/// The reason why a price command failed.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// No provider has a price for the model.
    #[error("{0:?} has no price: add it to the file of [prices], or name another --provider")]
    Unknown(String),
    /// The interval is empty.
    #[error("--until must be later than --since")]
    Interval,
    /// The records cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The result cannot be written as JSON.
    #[error("cannot write the output: {0}")]
    Json(#[from] serde_json::Error),
    /// The output cannot be written.
    #[error(transparent)]
    Print(#[from] PrintError),
}

impl PricesError {
    /// Whether the command was used wrongly.
    pub const fn is_bad_usage(&self) -> bool {
        matches!(self, Self::Interval)
    }
}

fn list(args: &ListArgs, config: &Config, now: Timestamp) -> String {
    let prices = &config.prices.table;
    let only = args.provider.as_ref().map(|name| Provider::named(name, config));
    let is_listed = |vendor: &str| {
        only.as_ref().is_none_or(|only| vendor.is_empty() || vendor == only.vendor || vendor == only.name)
    };
    let names = ["PROVIDER", "MODEL", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "FROM"];
    let rows = prices.models().filter(|listed| is_listed(listed.vendor)).map(|listed| {
        let price = prices.find(&PriceQuery::new(listed.vendor, listed.model, now));
        let shown = |bucket| {
            let rate = price.as_ref().and_then(|price| price.rate(bucket));
            rate.map_or("-".to_owned(), |rate| dollars(bucket, rate.base))
        };
        vec![
            if listed.vendor.is_empty() { "*" } else { listed.vendor }.to_owned(),
            listed.model.to_owned(),
            shown(Bucket::Input),
            shown(Bucket::Output),
            shown(Bucket::CacheRead),
            shown(Bucket::CacheWrite5m),
            listed.table.to_owned(),
        ]
    });
    table(&names, rows)
}

/// A provider of the settings, or a vendor of the table.
struct Provider {
    name: String,
    vendor: String,
}

impl Provider {
    fn named(name: &str, config: &Config) -> Self {
        let prices = &config.prices.table;
        let configured = config.providers.iter().find(|provider| provider.name == name);
        let vendor = match configured {
            Some(provider) => vendor_of(provider, prices),
            None => prices.vendor_of_name(name).unwrap_or(name).to_owned(),
        };
        Self { name: name.to_owned(), vendor }
    }
}

fn show(args: &ShowArgs, config: &Config, now: Timestamp) -> Result<String, PricesError> {
    let providers: Vec<Provider> = match &args.provider {
        Some(name) => vec![Provider::named(name, config)],
        None => config.providers.iter().map(|provider| Provider::named(&provider.name, config)).collect(),
    };
    let mut text = String::new();
    for provider in &providers {
        show_provider(&mut text, provider, &args.model, &config.prices.table, now);
    }
    if text.is_empty() { Err(PricesError::Unknown(args.model.clone())) } else { Ok(text) }
}

fn show_provider(text: &mut String, provider: &Provider, model: &str, prices: &PriceTable, now: Timestamp) {
    let query = PriceQuery { provider_name: &provider.name, ..PriceQuery::new(&provider.vendor, model, now) };
    let Some(price) = prices.find(&query) else { return };
    show_price(text, &provider.name, "", &price);
    for tier in prices.service_tiers(&query) {
        let query = PriceQuery { service_tier: Some(tier), ..query };
        if let Some(price) = prices.find(&query) {
            show_price(text, &provider.name, tier, &price);
        }
    }
}

fn show_price(text: &mut String, provider: &str, tier: &str, price: &Price<'_>) {
    let tier = if tier.is_empty() { String::new() } else { format!(", service tier {tier}") };
    let _ = writeln!(text, "{}{}: {}", one_line(provider), one_line(&tier), one_line(price.id()));
    if price.is_subscription() {
        let _ = writeln!(text, "    paid by a subscription: $0.00");
        return;
    }
    for bucket in Bucket::ALL {
        if let Some(rate) = price.rate(bucket) {
            let _ = writeln!(text, "    {:15} {}", bucket.as_str(), rate_text(bucket, rate));
        }
    }
    if price.multiplier() != 1_000_000 {
        let factor =
            NanoUsd::new(i64::try_from(price.multiplier()).unwrap_or(i64::MAX).saturating_mul(1_000));
        let _ = writeln!(text, "    prices of tokens are multiplied by {}", factor.to_decimal());
    }
}

fn rate_text(bucket: Bucket, rate: &Rate) -> String {
    let unit = if bucket.price_units() == 1_000 { "a thousand" } else { "a million tokens" };
    let mut text = format!("{} for {unit}", dollars(bucket, rate.base));
    for (start, price) in &rate.tiers {
        let price = dollars(bucket, *price);
        let _ = write!(text, "; {price} in requests with more than {start} input tokens");
    }
    text
}

/// The price in dollars of a million tokens, or of a thousand searches or requests.
fn dollars(bucket: Bucket, pico_usd: u64) -> String {
    let pico = u128::from(pico_usd) * u128::from(bucket.price_units());
    let nano = i64::try_from(pico / 1_000).unwrap_or(i64::MAX);
    NanoUsd::new(nano).to_string()
}
