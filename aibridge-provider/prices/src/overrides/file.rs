//! Parses a price file. Numbers stay text until they are integers.

use super::{OverrideRow, Overrides, OverridesError};
use crate::decimal::parse_scaled;
use crate::matching::Rule;
use crate::model::Validity;
use crate::rates::{Bucket, Rate, Rates};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The most characters of the name of a version.
const MAX_VERSION: usize = 40;

/// The keys of a row other than prices.
const ROW_KEYS: &str = "provider, model, from, service_tier, multiplier, subscription, above";

/// Collects the problems of a file with their lines.
struct Problems<'a> {
    text: &'a str,
    found: Vec<String>,
}

impl Problems<'_> {
    fn add(&mut self, at: usize, message: impl std::fmt::Display) {
        let line = self.text[..at.min(self.text.len())].matches('\n').count() + 1;
        self.found.push(format!("line {line}: {message}"));
    }
}

pub(super) fn parse(text: &str) -> Result<Overrides, OverridesError> {
    let file = DeTable::parse(text).map_err(|error| OverridesError(vec![error.to_string()]))?;
    let mut problems = Problems { text, found: Vec::new() };
    let mut name = format!("{:08x}", crc32fast::hash(text.as_bytes()));
    let mut rows = Vec::new();
    for (key, value) in file.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("version", DeValue::String(version)) if version.chars().count() <= MAX_VERSION => {
                name = version.to_string();
            }
            ("version", _) => problems.add(value.span().start, "version must be a short text"),
            ("price", DeValue::Array(prices)) => {
                rows.extend(prices.iter().filter_map(|row| parse_row(row, &mut problems)));
            }
            ("price", _) => problems.add(value.span().start, "write [[price]] before each row"),
            (key, _) => {
                problems.add(value.span().start, format!("unknown key `{key}`: use version and [[price]]"));
            }
        }
    }
    if problems.found.is_empty() {
        Ok(Overrides { version: format!("prices.toml-{name}"), rows })
    } else {
        Err(OverridesError(problems.found))
    }
}

fn parse_row(row: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Option<OverrideRow> {
    let (start, before) = (row.span().start, problems.found.len());
    let Some(table) = row.get_ref().as_table() else {
        problems.add(start, "a row must be a table");
        return None;
    };
    let mut parsed = OverrideRow {
        provider: None,
        pattern: String::new(),
        rule: Rule::Or(Vec::new()),
        validity: Validity::Always,
        service_tier: None,
        rates: Rates::default(),
        multiplier: None,
        is_subscription: false,
    };
    for (key, value) in table {
        if let Err(message) = set_key(&mut parsed, key.get_ref(), value, problems) {
            problems.add(value.span().start, message);
        }
    }
    let tiers = table.get("above").and_then(|tiers| tiers.get_ref().as_array());
    for tier in tiers.into_iter().flatten() {
        if let Err(message) = add_tier(&mut parsed.rates, tier.get_ref()) {
            problems.add(tier.span().start, message);
        }
    }
    if problems.found.len() == before {
        check_row(&parsed).unwrap_or_else(|message| problems.add(start, message));
    }
    Some(parsed)
}

/// Sets the field that `key` names. `above` is read after all other keys, because a tier needs a base price.
fn set_key(
    row: &mut OverrideRow,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) -> Result<(), String> {
    let text = || value.get_ref().as_str().map(str::to_owned).ok_or(format!("{key} must be a text"));
    match key {
        "provider" => row.provider = Some(text()?),
        "model" => (row.pattern, row.rule) = (text()?, parse_pattern(&text()?)?),
        "service_tier" => row.service_tier = Some(text()?.to_lowercase()),
        "from" => row.validity = Validity::From(parse_date(value.get_ref())?),
        "multiplier" => {
            let multiplier =
                parse_scaled(&number(key, value.get_ref())?, 6).map_err(|error| error.to_string())?;
            row.multiplier = Some(u64::try_from(multiplier).map_err(|_| "multiplier is too large")?);
        }
        "subscription" => {
            row.is_subscription = value.get_ref().as_bool().ok_or("subscription must be true or false")?;
        }
        "above" if value.get_ref().is_array() => {}
        "above" => return Err("above must be an array of tables".to_owned()),
        _ => match parse_price(key, value.get_ref())? {
            Some((bucket, price)) => row.rates.set(bucket, Rate::flat(price)),
            None => problems.add(value.span().start, unknown_key(key, ROW_KEYS)),
        },
    }
    Ok(())
}

fn check_row(row: &OverrideRow) -> Result<(), &'static str> {
    if row.pattern.is_empty() {
        return Err("model is missing: write the name of a model, or \"*\"");
    }
    if row.is_subscription && !row.rates.is_empty() {
        return Err("write either subscription or prices, not both: a subscription costs nothing");
    }
    match (row.multiplier, row.states_prices()) {
        (Some(_), true) => Err("write either multiplier or prices, not both"),
        (None, false) => Err("the row states nothing: write input and output, multiplier or subscription"),
        _ => Ok(()),
    }
}

/// Adds a context tier: the prices of all units of a request whose total input exceeds `input_tokens`.
fn add_tier(rates: &mut Rates, tier: &DeValue<'_>) -> Result<(), String> {
    let tier = tier.as_table().ok_or("above must be an array of tables")?;
    let start = tier.get("input_tokens").ok_or("input_tokens is missing in above")?;
    let start = number("input_tokens", start.get_ref())?;
    let start: u64 = start.parse().map_err(|_| "input_tokens must be a whole number")?;
    for (key, value) in tier {
        if key.get_ref() == "input_tokens" {
            continue;
        }
        let Some((bucket, price)) = parse_price(key.get_ref(), value.get_ref())? else {
            return Err(unknown_key(key.get_ref(), "input_tokens"));
        };
        let mut rate = rates
            .get(bucket)
            .cloned()
            .ok_or(format!("above states {key} without a price below", key = key.get_ref()))?;
        rate.tiers.push((start, price));
        rate.tiers.sort_by_key(|(start, _)| *start);
        rates.set(bucket, rate);
    }
    Ok(())
}

/// The bucket that `key` names and the price in pico-dollars for one unit; `None` if it names none.
fn parse_price(key: &str, value: &DeValue<'_>) -> Result<Option<(Bucket, u64)>, String> {
    let Some(bucket) = Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == key) else { return Ok(None) };
    let price = bucket.parse_price(&number(key, value)?).map_err(|error| format!("{key}: {error}"))?;
    Ok(Some((bucket, price)))
}

/// The decimal text of a number, or of a text that contains one.
fn number(key: &str, value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.trim().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        _ => Err(format!("{key} must be a decimal number")),
    }
}

fn parse_date(value: &DeValue<'_>) -> Result<jiff::Timestamp, String> {
    let text = match value {
        DeValue::Datetime(date) => date.to_string(),
        DeValue::String(text) => text.to_string(),
        _ => String::new(),
    };
    let date: Date = text.parse().map_err(|_| "from must be a date, such as \"2026-12-01\"")?;
    date.to_zoned(TimeZone::UTC).map(|date| date.timestamp()).map_err(|error| error.to_string())
}

/// The rule of a row's `model`.
pub(crate) fn parse_pattern(pattern: &str) -> Result<Rule, String> {
    let name = pattern.to_lowercase();
    let inner = name.strip_suffix('*').unwrap_or(&name);
    let inner = inner.strip_prefix('*').unwrap_or(inner).to_owned();
    if inner.contains('*') {
        return Err("model may contain `*` at its start and end only".to_owned());
    }
    Ok(match (name.len() > 1 && name.starts_with('*'), name.ends_with('*')) {
        (false, false) => Rule::Equals(inner),
        (false, true) => Rule::StartsWith(inner),
        (true, false) => Rule::EndsWith(inner),
        (true, true) => Rule::Contains(inner),
    })
}

fn unknown_key(key: &str, keys: &str) -> String {
    let buckets: Vec<&str> = Bucket::ALL.iter().map(|bucket| bucket.as_str()).collect();
    format!("unknown key `{key}`: use {keys}, {}", buckets.join(", "))
}
