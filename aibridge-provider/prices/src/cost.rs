//! The price that applies to a request, and the cost of a usage at it.

use crate::rates::Rates;
use crate::service_tier::assumed_tier;
use crate::{BilledUsage, Bucket, NanoUsd, Rate};

/// Millionths in a whole multiplier.
pub(crate) const MICRO: u64 = 1_000_000;

/// Pico-dollars in a nano-dollar.
const PICO_PER_NANO: u128 = 1_000;

/// The origin of the cost of a request: the column `cost_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CostStatus {
    /// Every part of the usage has a stated price.
    Priced,
    /// A price or a count is estimated.
    Estimated,
    /// There is no price.
    Unpriced,
    /// A subscription pays for the request, so its cost is zero.
    Subscription,
}

impl CostStatus {
    /// The value of the column `cost_status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priced => "priced",
            Self::Estimated => "estimated",
            Self::Unpriced => "unpriced",
            Self::Subscription => "subscription",
        }
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Priced, Self::Estimated, Self::Unpriced, Self::Subscription]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// The cost of a usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The amount, rounded half up from the exact sum.
    pub amount: NanoUsd,
    /// [`CostStatus::Priced`], [`CostStatus::Estimated`] or [`CostStatus::Subscription`].
    pub status: CostStatus,
}

/// A cost before it is rounded, for sums over calls at several prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactCost {
    pico_usd: u128,
    status: CostStatus,
}

impl ExactCost {
    /// The sum of two costs. It is estimated if one of them is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let is_estimated = [self.status, other.status].contains(&CostStatus::Estimated);
        let status = if is_estimated { CostStatus::Estimated } else { self.status };
        Self { pico_usd: self.pico_usd.saturating_add(other.pico_usd), status }
    }

    /// The cost, rounded half up to billionths of a dollar.
    pub fn round(self) -> Cost {
        let nano = self.pico_usd.saturating_add(PICO_PER_NANO / 2) / PICO_PER_NANO;
        let amount = i64::try_from(nano).map_or(NanoUsd::MAX, NanoUsd::new);
        Cost { amount, status: self.status }
    }
}

/// One summand of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostLine {
    /// The bucket that is charged.
    pub bucket: Bucket,
    /// The number of units in the bucket.
    pub count: u64,
    /// The price of a unit in pico-dollars; `None` if there is none.
    pub pico_usd: Option<u64>,
    /// Whether the price is derived from another one.
    pub is_estimated: bool,
}

/// The prices that apply to a request.
#[derive(Debug, Clone)]
pub struct Price<'a> {
    pub(crate) id: String,
    pub(crate) rates: [Option<&'a Rate>; Bucket::ALL.len()],
    /// Multiplies the prices of tokens, in millionths.
    pub(crate) multiplier: u64,
    /// Whether the prices are an assumption for this request.
    pub(crate) is_estimated: bool,
    /// Whether the cache multipliers that Anthropic states hold.
    pub(crate) is_claude: bool,
    pub(crate) is_subscription: bool,
}

impl<'a> Price<'a> {
    pub(crate) fn new(id: String, rates: &'a Rates, is_claude: bool) -> Self {
        let rates = Bucket::ALL.map(|bucket| rates.get(bucket));
        let (is_estimated, is_subscription) = (false, false);
        Self { id, rates, multiplier: MICRO, is_estimated, is_claude, is_subscription }
    }

    /// Replaces the prices of the buckets that `rates` states.
    pub(crate) fn replace(&mut self, rates: &'a Rates) {
        for bucket in Bucket::ALL {
            if let Some(rate) = rates.get(bucket) {
                self.rates[bucket as usize] = Some(rate);
            }
        }
    }

    /// Marks the price as an assumption for requests of a service tier without a row of its own.
    pub(crate) fn assume_tier(&mut self, tier: &str) {
        self.is_estimated = true;
        self.id.push_str(&assumed_tier(tier));
    }

    /// The version of the price table and the row in it, for the column `price_id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The stated price of a bucket, before a multiplier; `None` if there is none.
    pub fn rate(&self, bucket: Bucket) -> Option<&'a Rate> {
        self.rates[bucket as usize]
    }

    /// The factor of token prices in millionths, from a service tier or a discount: 500,000 for half the price.
    pub const fn multiplier(&self) -> u64 {
        self.multiplier
    }

    /// Whether the price is an assumption for this request, for example of a service tier without a row.
    pub const fn is_estimated(&self) -> bool {
        self.is_estimated
    }

    /// Whether a subscription pays for requests at this price.
    pub const fn is_subscription(&self) -> bool {
        self.is_subscription
    }

    /// The cost of `usage`; `None` if a part of it has no price.
    pub fn cost(&self, usage: &BilledUsage) -> Option<Cost> {
        self.exact_cost(usage).map(ExactCost::round)
    }

    /// The cost of `usage` before it is rounded; `None` if a part of it has no price.
    pub fn exact_cost(&self, usage: &BilledUsage) -> Option<ExactCost> {
        if self.is_subscription {
            return Some(ExactCost { pico_usd: 0, status: CostStatus::Subscription });
        }
        let mut pico_usd: u128 = 0;
        let mut is_estimated = self.is_estimated;
        for line in self.lines(usage) {
            is_estimated |= line.is_estimated;
            pico_usd = pico_usd.saturating_add(u128::from(line.count) * u128::from(line.pico_usd?));
        }
        let status = if is_estimated { CostStatus::Estimated } else { CostStatus::Priced };
        Some(ExactCost { pico_usd, status })
    }

    /// The summands of the cost of `usage`: one for each bucket with a count.
    pub fn lines(&self, usage: &BilledUsage) -> impl Iterator<Item = CostLine> {
        let total_input = usage.total_input();
        Bucket::ALL.into_iter().filter_map(move |bucket| {
            let count = usage.count(bucket);
            let (pico_usd, is_estimated) = self.unit_price(bucket, total_input);
            (count > 0).then_some(CostLine { bucket, count, pico_usd, is_estimated })
        })
    }

    /// The price of one unit of a bucket in pico-dollars, and whether it is derived from another price.
    fn unit_price(&self, bucket: Bucket, total_input: u64) -> (Option<u64>, bool) {
        let stated =
            |bucket: Bucket| self.rate(bucket).map(|rate| self.multiply(bucket, rate.at(total_input)));
        if let Some(price) = stated(bucket) {
            return (Some(price), false);
        }
        let input = || stated(Bucket::Input);
        let claude = |twentieths: u64, other: Option<u64>| match self.is_claude {
            true => input().map(|price| scale(price, twentieths, 20)),
            false => other,
        };
        match bucket {
            Bucket::Input | Bucket::Output => (None, false),
            Bucket::CacheRead => (claude(2, input()), true),
            Bucket::CacheWrite5m => (claude(25, input()), true),
            Bucket::CacheWrite1h => (claude(40, stated(Bucket::CacheWrite5m).or_else(input)), true),
            Bucket::AudioInput => (input(), true),
            Bucket::AudioOutput => (stated(Bucket::Output), true),
            Bucket::WebSearch | Bucket::FileSearch => (Some(0), true),
            Bucket::Request => (Some(0), false),
        }
    }

    fn multiply(&self, bucket: Bucket, price: u64) -> u64 {
        match bucket {
            Bucket::WebSearch | Bucket::FileSearch | Bucket::Request => price,
            _ => scale(price, self.multiplier, MICRO),
        }
    }
}

/// `price * numerator / denominator`, rounded half up.
fn scale(price: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(price) * u128::from(numerator) + u128::from(denominator / 2);
    u64::try_from(product / u128::from(denominator)).unwrap_or(u64::MAX)
}
