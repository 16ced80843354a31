//! Finds the row of the price table that a stored price id names, to price a recorded usage again.

use crate::overrides::file::parse_pattern;
use crate::service_tier::split_tier;
use crate::{Price, PriceQuery, PriceTable, built_in};
use jiff::civil::Date;

/// The parts of a stored price id.
#[derive(Debug, PartialEq, Eq)]
struct StoredRow<'a> {
    /// Whether the row is one of the bundled data, of any version.
    is_bundled: bool,
    /// The vendor and the model, or the provider and the pattern of an operator's row.
    row: &'a str,
    service_tier: Option<&'a str>,
}

impl<'a> StoredRow<'a> {
    fn parse(price_id: &'a str) -> Option<Self> {
        let head = price_id.split_once('+').map_or(price_id, |(head, _)| head);
        let (version, row) = head.split_once(':')?;
        let (row, tier) = split_tier(row);
        let service_tier = tier.or_else(|| split_tier(price_id).1);
        Some(Self {
            is_bundled: version.starts_with(built_in::NAME),
            row: without_validity(row),
            service_tier,
        })
    }

    /// The model of the row, if the requested model does not belong to the row: then the response named another one.
    fn other_model<'m>(&'m self, table: &PriceTable, query: &PriceQuery<'_>) -> Option<&'m str> {
        let requested = query.model.to_lowercase();
        if self.is_bundled {
            let (vendor, model) = self.row.split_once('/')?;
            let found = table.find_bundled(query.vendor, &requested);
            let is_same = found.is_some_and(|(found, listed)| found.id == vendor && listed.id == model);
            return (!is_same).then_some(model);
        }
        let of = |provider: &str| {
            let start = self.row.get(..provider.len())?;
            self.row.get(provider.len()..)?.strip_prefix('/').filter(|_| start.eq_ignore_ascii_case(provider))
        };
        let pattern = of(query.provider_name).or_else(|| of(query.vendor)).unwrap_or(self.row);
        let is_same = parse_pattern(pattern).is_ok_and(|rule| rule.matches(&requested));
        let model = pattern.trim_matches('*');
        (!is_same && !model.is_empty()).then_some(model)
    }
}

/// A row without its validity: a start date or times of the day.
fn without_validity(row: &str) -> &str {
    let is_time = |text: &str| text.parse::<Date>().is_ok() || (text.contains(':') && text.contains('-'));
    match row.rsplit_once('@') {
        Some((model, validity)) if is_time(validity) => model,
        _ => row,
    }
}

impl PriceTable {
    /// The current price of a request that was priced before, with the stored `price_id`. The model of the response is not
    /// stored. The requested model is used, or the model of the stored row if the requested one does not belong to it. The
    /// service tier is that of the query, else that of the stored row.
    pub fn find_again<'a>(&'a self, query: &PriceQuery<'_>, price_id: Option<&str>) -> Option<Price<'a>> {
        let Some(stored) = price_id.and_then(StoredRow::parse) else { return self.find(query) };
        self.find(&PriceQuery {
            response_model: stored.other_model(self, query),
            service_tier: query.service_tier.or(stored.service_tier),
            ..*query
        })
    }

    /// Whether two stored price ids name the same row, of any version of the table.
    pub fn is_same_row(one: &str, other: &str) -> bool {
        match (StoredRow::parse(one), StoredRow::parse(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_id_has_a_row_and_a_tier() {
        let table = [
            ("genai-prices-0.2.1:openai/gpt-4.1", true, "openai/gpt-4.1", None),
            ("genai-prices-0.1.0:openai/o3@2025-06-10#flex", true, "openai/o3", Some("flex")),
            ("genai-prices-0.2.1:openai/gpt-4o~batch", true, "openai/gpt-4o", Some("batch")),
            ("genai-prices-0.2.1:deepseek/chat@16:30:00-00:30:00", true, "deepseek/chat", None),
            ("genai-prices-0.2.1:aws/nova-lite-v1:0", true, "aws/nova-lite-v1:0", None),
            ("genai-prices-0.2.1:cloudflare/@cf/baai/bge-m3", true, "cloudflare/@cf/baai/bge-m3", None),
            ("genai-prices-0.2.1:openrouter/~a/b-latest", true, "openrouter/~a/b-latest", None),
            ("genai-prices-0.2.1:openrouter/~latest~flex", true, "openrouter/~latest", Some("flex")),
            ("genai-prices-0.2.1:openai/gpt-4o+prices.toml-x:*#flex", true, "openai/gpt-4o", Some("flex")),
            ("prices.toml-x:team/gpt-*@2026-12-01", false, "team/gpt-*", None),
            ("prices.toml-x:*", false, "*", None),
        ];
        for (id, is_bundled, row, service_tier) in table {
            assert_eq!(StoredRow::parse(id), Some(StoredRow { is_bundled, row, service_tier }), "{id}");
        }
        assert_eq!(StoredRow::parse("provider"), None);
    }
}
