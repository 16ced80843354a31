//! The values of query parameters: how each is parsed, and the message if it cannot be.

use crate::time::time;
use aibridge_store::{TotalsKey, UsageKey};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The highest `limit`, in rows.
const MAX_LIMIT: usize = 1000;

/// The highest `limit` of a timeline, whose rows contain texts.
const MAX_TIMELINE_LIMIT: usize = 100;

/// The highest `wait` of a call to `/live`, in seconds. Proxies often close a connection that is silent for a minute.
pub const MAX_WAIT_SECONDS: u64 = 30;

/// The longest text to search for, in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// A text that the store can hold.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(value)?;
    if text.contains('\0') {
        return Err(D::Error::custom("write it without NUL (%00): no record contains one"));
    }
    Ok(Some(text))
}

/// A time, see [`time`].
pub(crate) fn optional_time<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Timestamp>, D::Error> {
    time(&String::deserialize(value)?).map(Some).map_err(D::Error::custom)
}

/// A number of rows.
pub(crate) fn limit<'de, D: Deserializer<'de>>(value: D) -> Result<Option<usize>, D::Error> {
    number(value, 1, MAX_LIMIT)
}

/// A number of rows of a timeline.
pub(crate) fn timeline_limit<'de, D: Deserializer<'de>>(value: D) -> Result<Option<usize>, D::Error> {
    number(value, 1, MAX_TIMELINE_LIMIT)
}

/// A number of seconds.
pub(crate) fn wait<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    number(value, 0, MAX_WAIT_SECONDS)
}

fn number<'de, N, D>(value: D, first: N, last: N) -> Result<Option<N>, D::Error>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
    D: Deserializer<'de>,
{
    let number = String::deserialize(value)?.parse().ok().filter(|number| (first..=last).contains(number));
    number.ok_or_else(|| D::Error::custom(format_args!("write a number from {first} to {last}"))).map(Some)
}

/// `true` or `false`.
pub(crate) fn optional_flag<'de, D: Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    let flag = String::deserialize(value)?.parse().ok();
    flag.ok_or_else(|| D::Error::custom("write true or false")).map(Some)
}

/// A text to search for.
pub(crate) fn search_text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = optional_text(value)?;
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_SEARCH_CHARS) {
        return Err(D::Error::custom(format_args!("write at most {MAX_SEARCH_CHARS} characters")));
    }
    Ok(text)
}

/// The name of a zone.
pub(crate) fn time_zone<'de, D: Deserializer<'de>>(value: D) -> Result<Option<TimeZone>, D::Error> {
    let zone = TimeZone::get(&String::deserialize(value)?);
    zone.map(Some).map_err(|_| D::Error::custom("write a name of the IANA database, such as Europe/Berlin"))
}

/// The keys of totals, separated by commas.
pub(crate) fn totals_keys<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<TotalsKey>>, D::Error> {
    let text = String::deserialize(value)?;
    let mut keys = Vec::new();
    for name in text.split(',') {
        match TotalsKey::named(name) {
            Some(key) if keys.contains(&key) => return Err(repeated(name)),
            Some(key) => keys.push(key),
            None => {
                let known = TotalsKey::ALL.map(TotalsKey::as_str).join(", ");
                return Err(D::Error::custom(format_args!(
                    "write some of {known}, with commas between them"
                )));
            }
        }
    }
    Ok(Some(keys))
}

/// The keys of usage, separated by commas.
pub(crate) fn keys<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<UsageKey>>, D::Error> {
    let text = String::deserialize(value)?;
    let keys: Option<Vec<_>> = text.split(',').map(UsageKey::named).collect();
    let known = UsageKey::ALL.map(UsageKey::as_str).join(", ");
    let problem = || D::Error::custom(format_args!("write some of {known}, with commas between them"));
    let keys = keys.ok_or_else(problem)?;
    match first_repeated(&keys) {
        Some(key) => Err(repeated(key.as_str())),
        None => Ok(Some(keys)),
    }
}

/// The first value that occurs a second time.
pub fn first_repeated<T: PartialEq>(values: &[T]) -> Option<&T> {
    values.iter().enumerate().find(|(index, value)| values[..*index].contains(value)).map(|(_, value)| value)
}

fn repeated<E: serde::de::Error>(name: &str) -> E {
    E::custom(format_args!("it contains {name} twice: write each name once"))
}
