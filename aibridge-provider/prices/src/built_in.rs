//! Decodes the bundled price data. Prices stay text until they are whole pico-dollars.

use crate::Bucket;
use crate::matching::{RawRule, Rule, UrlPattern};
use crate::model::{Entry, Model, Validity, Variant};
use crate::rates::{Rate, Rates};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::error::Error;
use std::sync::OnceLock;

/// The price data of `genai-prices`, unchanged; its licence (MIT) lies beside it.
pub(crate) const DATA: &str = include_str!("../data/genai-prices-0.2.1.json");

/// The name and version of [`DATA`] in price ids.
pub(crate) const VERSION: &str = "genai-prices-0.2.1";

/// The start of the names of all versions of [`DATA`].
pub(crate) const NAME: &str = "genai-prices-";

/// A vendor with its models.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) id: String,
    /// Matches the base URL of the vendor's API.
    pub(crate) url: UrlPattern,
    /// Matches other names of the vendor.
    pub(crate) alias: Option<Rule>,
    /// The vendors whose models this vendor serves too.
    pub(crate) fallbacks: Vec<String>,
    models: OnceLock<Models>,
    raw_models: &'static RawValue,
}

/// The models of a vendor.
#[derive(Debug, Default)]
pub(crate) struct Models {
    pub(crate) list: Vec<Model>,
    /// The first model that matches a name literally.
    pub(crate) names: HashMap<String, usize>,
    /// The other rules, in the order of the models.
    pub(crate) rules: Vec<(usize, Rule)>,
    /// Results of earlier searches.
    pub(crate) found: RwLock<HashMap<String, Option<usize>>>,
}

impl Vendor {
    /// The models, which the first call decodes: a gateway uses a few of the vendors.
    pub(crate) fn models(&self) -> &Models {
        // A test decodes the models of every vendor.
        self.models.get_or_init(|| decode_models(self.raw_models).unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct RawVendor {
    id: String,
    api_pattern: String,
    provider_match: Option<RawRule>,
    #[serde(default)]
    fallback_model_providers: Vec<String>,
    #[serde(borrow)]
    models: &'static RawValue,
}

#[derive(Deserialize)]
struct RawModel<'a> {
    id: String,
    r#match: RawRule,
    #[serde(borrow)]
    prices: &'a RawValue,
    #[serde(borrow, default)]
    price_variants: Vec<RawVariant<'a>>,
}

type RawPrices<'a> = HashMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct RawEntry<'a> {
    constraint: Option<RawConstraint>,
    #[serde(borrow)]
    prices: RawPrices<'a>,
}

#[derive(Deserialize)]
struct RawVariant<'a> {
    when: HashMap<String, String>,
    constraint: Option<RawConstraint>,
    #[serde(borrow)]
    prices: RawPrices<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawConstraint {
    From { start_date: String },
    Daily { start_time: String, end_time: String },
}

#[derive(Deserialize)]
struct RawTiered<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    #[serde(borrow)]
    tiers: Vec<RawTier<'a>>,
}

#[derive(Deserialize)]
struct RawTier<'a> {
    start: u64,
    #[serde(borrow)]
    price: &'a RawValue,
}

type DecodeResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Decodes the vendors of price data in the format of `genai-prices`.
pub(crate) fn decode(data: &'static str) -> DecodeResult<Vec<Vendor>> {
    let vendors: Vec<RawVendor> = serde_json::from_str(data)?;
    let vendors = vendors.into_iter().map(|raw| Vendor {
        id: raw.id,
        url: UrlPattern(raw.api_pattern),
        alias: raw.provider_match.map(RawRule::compile),
        fallbacks: raw.fallback_model_providers,
        models: OnceLock::new(),
        raw_models: raw.models,
    });
    Ok(vendors.collect())
}

fn decode_models(raw: &RawValue) -> DecodeResult<Models> {
    let raw: Vec<RawModel<'_>> = serde_json::from_str(raw.get())?;
    let mut models = Models { list: Vec::with_capacity(raw.len()), ..Models::default() };
    for (index, model) in raw.into_iter().enumerate() {
        let mut names = Vec::new();
        let rest = model.r#match.clone().compile().split_literals(&mut names);
        for name in names {
            models.names.entry(name).or_insert(index);
        }
        models.rules.extend(rest.map(|rule| (index, rule)));
        models.list.push(decode_model(model)?);
    }
    Ok(models)
}

fn decode_model(raw: RawModel<'_>) -> DecodeResult<Model> {
    let entries = if raw.prices.get().starts_with('[') {
        serde_json::from_str::<Vec<RawEntry<'_>>>(raw.prices.get())?
    } else {
        vec![RawEntry { constraint: None, prices: serde_json::from_str(raw.prices.get())? }]
    };
    let entries = entries
        .into_iter()
        .map(|entry| {
            Ok(Entry { validity: decode_validity(entry.constraint)?, rates: decode_rates(&entry.prices)? })
        })
        .collect::<DecodeResult<_>>()?;
    let variants = raw.price_variants.into_iter().filter_map(|variant| decode_variant(variant).transpose());
    Ok(Model { id: raw.id, entries, variants: variants.collect::<DecodeResult<_>>()? })
}

/// The variant of a service tier. Batches count as a service tier. `None` for a condition that responses do not report.
fn decode_variant(raw: RawVariant<'_>) -> DecodeResult<Option<Variant>> {
    let mut conditions = raw.when.into_iter();
    let (Some((key, service_tier)), None) = (conditions.next(), conditions.next()) else { return Ok(None) };
    if key != "service_tier" && !(key == "processing" && service_tier == "batch") {
        return Ok(None);
    }
    let (validity, rates) = (decode_validity(raw.constraint)?, decode_rates(&raw.prices)?);
    Ok(Some(Variant { service_tier, validity, rates }))
}

fn decode_validity(raw: Option<RawConstraint>) -> DecodeResult<Validity> {
    Ok(match raw {
        None => Validity::Always,
        Some(RawConstraint::From { start_date }) => {
            Validity::From(start_date.parse::<Date>()?.to_zoned(TimeZone::UTC)?.timestamp())
        }
        Some(RawConstraint::Daily { start_time, end_time }) => {
            Validity::Daily { start: decode_time(&start_time)?, end: decode_time(&end_time)? }
        }
    })
}

/// A time of the day with an offset, such as `16:30:00Z`, in UTC.
fn decode_time(text: &str) -> DecodeResult<Time> {
    let timestamp: Timestamp = format!("2000-01-01T{text}").parse()?;
    Ok(timestamp.to_zoned(TimeZone::UTC).time())
}

fn decode_rates(raw: &RawPrices<'_>) -> DecodeResult<Rates> {
    let mut rates = Rates::default();
    for (key, price) in raw {
        if let Some(bucket) = bucket_of(key) {
            rates.set(bucket, decode_rate(bucket, price)?);
        }
    }
    Ok(rates)
}

fn decode_rate(bucket: Bucket, raw: &RawValue) -> DecodeResult<Rate> {
    if !raw.get().starts_with('{') {
        return Ok(Rate::flat(bucket.parse_price(raw.get())?));
    }
    let raw: RawTiered<'_> = serde_json::from_str(raw.get())?;
    let tiers = raw.tiers.iter().map(|tier| Ok((tier.start, bucket.parse_price(tier.price.get())?)));
    let mut tiers = tiers.collect::<DecodeResult<Vec<_>>>()?;
    tiers.sort_by_key(|(start, _)| *start);
    Ok(Rate { base: bucket.parse_price(raw.base.get())?, tiers })
}

/// The bucket of a price key in the data; `None` for units that [`BilledUsage`](crate::BilledUsage) does not count.
fn bucket_of(key: &str) -> Option<Bucket> {
    Some(match key {
        "input_mtok" => Bucket::Input,
        "output_mtok" => Bucket::Output,
        "cache_read_mtok" => Bucket::CacheRead,
        "cache_write_mtok" => Bucket::CacheWrite5m,
        "cache_write_1h_mtok" => Bucket::CacheWrite1h,
        "input_audio_mtok" => Bucket::AudioInput,
        "output_audio_mtok" => Bucket::AudioOutput,
        "web_searches_kcount" => Bucket::WebSearch,
        "storage_searches_kcount" => Bucket::FileSearch,
        "requests_kcount" => Bucket::Request,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_all_bundled_data() {
        let vendors = decode(DATA).unwrap();
        assert_eq!(vendors.len(), 47);
        let models = |vendor: &Vendor| decode_models(vendor.raw_models).unwrap();
        assert_eq!(vendors.iter().map(|vendor| models(vendor).list.len()).sum::<usize>(), 2267);
        for vendor in &vendors {
            assert!(vendor.url.is_valid(), "{}", vendor.id);
            assert!(models(vendor).rules.iter().all(|(_, rule)| has_valid_patterns(rule)), "{}", vendor.id);
        }
    }

    fn has_valid_patterns(rule: &Rule) -> bool {
        match rule {
            Rule::And(rules) | Rule::Or(rules) => rules.iter().all(has_valid_patterns),
            Rule::Regex(pattern) => pattern.is_valid(),
            _ => true,
        }
    }
}
