//! The cost of a model call: price table, lookup and exact integer arithmetic.
//!
//! A [`PriceTable`] contains the price data of the `genai-prices` project ([`PriceTable::built_in`]) and, before it,
//! the rows of an operator's file ([`Overrides::parse`]). A [`PriceQuery`] names the provider, the model, the service
//! tier and the time; the [`Price`] that it finds turns a [`BilledUsage`] into a [`Cost`]:
//!
//! ```
//! use aibridge_prices::{PriceQuery, PriceTable, BilledUsage};
//!
//! let usage = BilledUsage { input: 1_200, cache_read: 800, output: 300, ..BilledUsage::default() };
//! let query = PriceQuery::new("openai", "gpt-4.1-2025-04-14", "2026-11-01T00:00:00Z".parse()?);
//! let price = PriceTable::built_in().find(&query).ok_or("no price")?;
//! assert_eq!(price.cost(&usage).ok_or("no price")?.amount.to_string(), "$0.0052");
//! assert_eq!(price.id(), "genai-prices-0.2.1:openai/gpt-4.1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A price is parsed from its decimal text to whole pico-dollars for each unit, half up. The cost of a request is the
//! exact sum over its disjoint buckets, rounded once, half up, to [`NanoUsd`]. No floating-point number is involved.
//!
//! This crate does no I/O.

mod billed_usage;
mod built_in;
mod cost;
mod decimal;
mod matching;
mod model;
mod nano_usd;
mod overrides;
mod rates;
mod service_tier;
mod stored_row;
mod table;
mod unused_rows;

pub use billed_usage::BilledUsage;
pub use cost::{Cost, CostLine, CostStatus, ExactCost, Price};
pub use decimal::DecimalError;
pub use nano_usd::NanoUsd;
pub use overrides::{Overrides, OverridesError};
pub use rates::{Bucket, Rate};
pub use table::{ListedModel, PriceQuery, PriceTable};
