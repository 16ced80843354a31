//! The price table: which price applies to a request.

use crate::built_in::{self, Models, Vendor};
use crate::cost::{MICRO, Price};
use crate::matching::expand_dates;
use crate::model::Model;
use crate::overrides::{OverrideRow, Overrides};
use jiff::Timestamp;
use std::sync::{Arc, LazyLock};

/// Prices of models: the bundled data, and before it the rows of an operator's file.
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    vendors: Arc<Vec<Vendor>>,
    overrides: Arc<Overrides>,
}

static BUILT_IN: LazyLock<PriceTable> = LazyLock::new(|| PriceTable {
    vendors: Arc::new(built_in::decode(built_in::DATA).unwrap_or_default()), // a test decodes the data
    overrides: Arc::default(),
});

/// Multipliers of service tiers that a vendor states for models without a row of their own, in millionths.
const TIER_MULTIPLIERS: &[(&str, &str, u64)] = &[
    ("anthropic", "batch", MICRO / 2),
    ("google", "batch", MICRO / 2),
    ("openai", "batch", MICRO / 2),
    ("openai", "flex", MICRO / 2),
];

/// Names of the service tier that standard prices are for.
pub(crate) const STANDARD_TIERS: &[&str] = &["", "auto", "default", "on_demand", "standard", "standard_only"];

/// The key of a price lookup.
#[derive(Debug, Clone, Copy)]
pub struct PriceQuery<'a> {
    /// The vendor: an id of the table or another name that the table lists, such as a preset; see
    /// [`PriceTable::vendor_of_url`].
    pub vendor: &'a str,
    /// The name that the gateway's settings give the provider, which rows of an operator's file may use instead.
    pub provider_name: &'a str,
    /// The model in the request.
    pub model: &'a str,
    /// The model in the response. It takes precedence over the model in the request.
    pub response_model: Option<&'a str>,
    /// The service tier in the response: `batch`, `flex`, `priority`, `fast` or a name of the standard tier.
    pub service_tier: Option<&'a str>,
    /// The time of the request.
    pub at: Timestamp,
}

impl<'a> PriceQuery<'a> {
    /// A query for a model of a vendor at a time, at the standard service tier.
    pub const fn new(vendor: &'a str, model: &'a str, at: Timestamp) -> Self {
        Self { vendor, provider_name: vendor, model, response_model: None, service_tier: None, at }
    }
}

/// A model that the table has a price for.
#[derive(Debug, Clone, Copy)]
pub struct ListedModel<'a> {
    /// The id of the vendor, or the provider that a row of an operator's file names; empty for every provider.
    pub vendor: &'a str,
    /// The model's id, or the pattern of a row.
    pub model: &'a str,
    /// The name and version of the table that contains the row.
    pub table: &'a str,
}

impl PriceTable {
    /// The bundled price data. The models of a vendor are decoded when they are first needed, which can take some
    /// milliseconds; see [`PriceTable::prepare`].
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The bundled price data with the rows of an operator's file before it.
    #[must_use]
    pub fn with_overrides(overrides: Overrides) -> Self {
        Self { vendors: Arc::clone(&BUILT_IN.vendors), overrides: Arc::new(overrides) }
    }

    /// The id of the vendor with this base URL; `None` if the table has none.
    pub fn vendor_of_url(&self, base_url: &str) -> Option<&str> {
        let found = self.vendors.iter().find(|vendor| vendor.url.is_match(base_url));
        found.map(|vendor| vendor.id.as_str())
    }

    /// The id of the vendor with this id or other name; `None` if the table has none.
    pub fn vendor_of_name(&self, name: &str) -> Option<&str> {
        self.vendor(name).map(|vendor| vendor.id.as_str())
    }

    /// The price that applies to a request; `None` if there is none.
    ///
    /// The model of the response decides. If the table does not list it, the price of the requested model is an
    /// estimate.
    pub fn find<'a>(&'a self, query: &PriceQuery<'_>) -> Option<Price<'a>> {
        if let Some(price) = query.response_model.and_then(|model| self.find_model(query, model)) {
            return Some(price);
        }
        let mut price = self.find_model(query, query.model)?;
        price.is_estimated |= query.response_model.is_some_and(|model| model != query.model);
        Some(price)
    }

    /// Decodes the models of a vendor now, so that the first request need not wait for it.
    pub fn prepare(&self, vendor: &str) {
        if let Some(vendor) = self.vendor(vendor) {
            vendor.models();
        }
    }

    /// Every model with a price: first the rows of an operator's file, then the bundled data.
    pub fn models(&self) -> impl Iterator<Item = ListedModel<'_>> {
        let overrides = self.overrides.rows.iter().map(|row| ListedModel {
            vendor: row.provider.as_deref().unwrap_or_default(),
            model: &row.pattern,
            table: &self.overrides.version,
        });
        let bundled = self.vendors.iter().flat_map(|vendor| {
            vendor.models().list.iter().map(|model| ListedModel {
                vendor: &vendor.id,
                model: &model.id,
                table: built_in::VERSION,
            })
        });
        overrides.chain(bundled)
    }

    /// The rows of the operator's file.
    pub(crate) fn operator_rows(&self) -> &[OverrideRow] {
        &self.overrides.rows
    }

    /// The service tiers with prices of their own for a model at the time of the query.
    pub fn service_tiers(&self, query: &PriceQuery<'_>) -> Vec<&str> {
        let name = query.model.to_lowercase();
        let bundled =
            self.find_bundled(query.vendor, &name).into_iter().flat_map(|(_, model)| &model.variants);
        let bundled =
            bundled.filter(|variant| variant.validity.holds_at(query.at) && !variant.rates.is_empty());
        let rows = self.overrides.rows.iter().filter(|row| row.applies_to(query, &name));
        let mut tiers: Vec<&str> = bundled.map(|variant| variant.service_tier.as_str()).collect();
        tiers.extend(rows.filter_map(|row| row.service_tier.as_deref()));
        tiers.sort_unstable();
        tiers.dedup();
        tiers
    }

    fn find_model<'a>(&'a self, query: &PriceQuery<'_>, model: &str) -> Option<Price<'a>> {
        let name = model.to_lowercase();
        let tier = query.service_tier.unwrap_or_default().to_lowercase();
        let tier = if STANDARD_TIERS.contains(&tier.as_str()) { "" } else { tier.as_str() };
        let row = |tier: Option<&str>| {
            let mut rows = self.overrides.rows.iter().rev().filter(|row| row.applies_to(query, &name));
            rows.find(|row| row.service_tier.as_deref() == tier)
        };
        let standard = row(None);
        let tier_row = if tier.is_empty() { None } else { row(Some(tier)) };
        let stated = standard.filter(|row| row.states_prices());
        let bundled_tier = if tier_row.is_some() { "" } else { tier };
        let version = &self.overrides.version;
        let mut price = match stated {
            Some(row) => row.price(version, &name),
            None => match (self.bundled_price(query, &name, bundled_tier), tier_row) {
                (Some(price), _) => price,
                (None, Some(row)) if row.states_prices() => return Some(row.price(version, &name)),
                (None, _) => return None,
            },
        };
        if let Some(row) = standard.filter(|row| !row.states_prices()) {
            row.apply(&mut price, version);
        }
        match tier_row {
            Some(row) => row.apply(&mut price, version),
            None if stated.is_some() && !tier.is_empty() => price.assume_tier(tier),
            None => {}
        }
        Some(price)
    }

    fn bundled_price<'a>(&'a self, query: &PriceQuery<'_>, name: &str, tier: &str) -> Option<Price<'a>> {
        let (vendor, model) = self.find_bundled(query.vendor, name)?;
        let entry = model.entry(query.at)?;
        let is_claude = vendor.id == "anthropic" || model.id.contains("claude");
        let id = format!("{}:{}/{}{}", built_in::VERSION, vendor.id, model.id, entry.validity.suffix());
        let mut price = Price::new(id, &entry.rates, is_claude);
        if tier.is_empty() {
            return Some(price);
        }
        let mut has_variant = false;
        // A vendor that serves another vendor's model does not have its service tiers.
        if self.vendor(query.vendor).is_some_and(|asked| asked.id == vendor.id) {
            for variant in model.variants(tier, query.at).into_iter().rev() {
                has_variant = true;
                price.replace(&variant.rates);
            }
        }
        if has_variant {
            price.id.push_str(&format!("#{tier}"));
        } else {
            let stated = TIER_MULTIPLIERS.iter().find(|(id, name, _)| *id == vendor.id && *name == tier);
            price.multiplier = stated.map_or(MICRO, |(_, _, multiplier)| *multiplier);
            price.assume_tier(tier);
        }
        Some(price)
    }

    /// The model of a vendor with this name in lower case, and the vendor that lists it.
    pub(crate) fn find_bundled(&self, vendor: &str, name: &str) -> Option<(&Vendor, &Model)> {
        let vendor = self.vendor(vendor)?;
        self.find_listed(vendor, name).or_else(|| self.find_listed(vendor, &expand_dates(name)?))
    }

    fn find_listed<'a>(&'a self, vendor: &'a Vendor, name: &str) -> Option<(&'a Vendor, &'a Model)> {
        let fallbacks =
            vendor.fallbacks.iter().flat_map(|id| self.vendors.iter().find(|other| other.id == *id));
        std::iter::once(vendor)
            .chain(fallbacks)
            .find_map(|vendor| Some((vendor, vendor.models().find(name)?)))
    }

    fn vendor(&self, name: &str) -> Option<&Vendor> {
        let name = name.trim().to_lowercase();
        let by_alias = |vendor: &&Vendor| vendor.alias.as_ref().is_some_and(|rule| rule.matches(&name));
        let by_id = self.vendors.iter().find(|vendor| vendor.id == name);
        by_id.or_else(|| self.vendors.iter().find(by_alias))
    }
}

/// The most search results that are cached for a vendor. Bounded because clients choose the names.
const MAX_FOUND: usize = 1024;

impl Models {
    /// The first model that matches `name`.
    fn find(&self, name: &str) -> Option<&Model> {
        let earlier = self.found.read().get(name).copied();
        let index = earlier.unwrap_or_else(|| {
            let index = self.search(name);
            let mut found = self.found.write();
            if found.len() < MAX_FOUND {
                found.insert(name.to_owned(), index);
            }
            index
        })?;
        self.list.get(index)
    }

    fn search(&self, name: &str) -> Option<usize> {
        let literal = self.names.get(name).copied();
        let before = literal.unwrap_or(usize::MAX);
        let mut rules = self.rules.iter().take_while(|(index, _)| *index < before);
        rules.find(|(_, rule)| rule.matches(name)).map(|(index, _)| *index).or(literal)
    }
}

impl OverrideRow {
    fn applies_to(&self, query: &PriceQuery<'_>, name: &str) -> bool {
        let is_provider = |provider: &String| {
            provider.eq_ignore_ascii_case(query.provider_name) || provider.eq_ignore_ascii_case(query.vendor)
        };
        self.provider.as_ref().is_none_or(is_provider)
            && self.rule.matches(name)
            && self.validity.holds_at(query.at)
    }
}
