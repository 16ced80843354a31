//! Prices for each bucket of a usage.

use crate::decimal::{DecimalError, parse_scaled};

/// A unit that is counted and priced separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Input tokens in no other bucket.
    Input,
    /// Output tokens in no other bucket.
    Output,
    /// Input tokens read from a cache.
    CacheRead,
    /// Input tokens written to a cache for five minutes.
    CacheWrite5m,
    /// Input tokens written to a cache for one hour.
    CacheWrite1h,
    /// Input tokens of audio.
    AudioInput,
    /// Output tokens of audio.
    AudioOutput,
    /// Web searches that the provider ran.
    WebSearch,
    /// Searches in stored files.
    FileSearch,
    /// Requests, counted one by one.
    Request,
}

impl Bucket {
    /// Every bucket, in the order in which prices are listed.
    pub const ALL: [Self; 10] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::AudioInput,
        Self::AudioOutput,
        Self::WebSearch,
        Self::FileSearch,
        Self::Request,
    ];

    /// The name of the bucket in a price file and in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::AudioInput => "audio_input",
            Self::AudioOutput => "audio_output",
            Self::WebSearch => "web_search",
            Self::FileSearch => "file_search",
            Self::Request => "request",
        }
    }

    /// The number of units that a stated price is for: a million tokens, or a thousand searches or requests.
    pub const fn price_units(self) -> u64 {
        10_u64.pow(self.price_exponent().unsigned_abs())
    }

    const fn price_exponent(self) -> i32 {
        match self {
            Self::WebSearch | Self::FileSearch | Self::Request => 3,
            _ => 6,
        }
    }

    /// Parses a stated price in dollars to pico-dollars for one unit, rounded half up.
    pub(crate) fn parse_price(self, text: &str) -> Result<u64, DecimalError> {
        let pico = parse_scaled(text, 12 - self.price_exponent())?;
        u64::try_from(pico).map_err(|_| DecimalError::TooLarge(text.to_owned()))
    }
}

/// The price of one unit in pico-dollars, which may depend on the total input of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The price below every threshold.
    pub base: u64,
    /// Thresholds in ascending order, each with the price of *all* units of a request whose total input exceeds it.
    pub tiers: Vec<(u64, u64)>,
}

impl Rate {
    /// A price that does not depend on the total input.
    pub(crate) const fn flat(base: u64) -> Self {
        Self { base, tiers: Vec::new() }
    }

    /// The price of one unit in pico-dollars in a request with this total input.
    pub fn at(&self, total_input: u64) -> u64 {
        self.tiers.iter().rev().find(|(start, _)| total_input > *start).map_or(self.base, |&(_, price)| price)
    }
}

/// The prices of a model that hold under the same conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rates([Option<Rate>; Bucket::ALL.len()]);

impl Rates {
    pub(crate) const fn get(&self, bucket: Bucket) -> Option<&Rate> {
        self.0[bucket as usize].as_ref()
    }

    pub(crate) fn set(&mut self, bucket: Bucket, rate: Rate) {
        self.0[bucket as usize] = Some(rate);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}
