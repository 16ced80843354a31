//! The parser of the headers `Retry-After` and `retry-after-ms`.

use crate::cooldown::MAX_COOLDOWN;
use std::time::{Duration, SystemTime};

/// Parses the time until a retry from the values of two response headers: `retry-after-ms` (of OpenAI, milliseconds as a
/// float) and `retry-after` (RFC 9110 §10.2.3: seconds, here also fractional, or an HTTP date relative to `now`).
///
/// `retry-after-ms` takes precedence. NaN, infinities, negative numbers and other text are ignored. A date in the past
/// means no wait. The maximum is one year. Returns `None` if neither header has a usable value.
pub fn retry_after(
    retry_after_ms: Option<&str>,
    retry_after: Option<&str>,
    now: SystemTime,
) -> Option<Duration> {
    let from_ms = || number(retry_after_ms?).map(|ms| wait(ms / 1000.0));
    let from_seconds = || number(retry_after?).map(wait);
    let from_date = || date(retry_after?, now);
    from_ms().or_else(from_seconds).or_else(from_date)
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

fn wait(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).map_or(MAX_COOLDOWN, |wait| wait.min(MAX_COOLDOWN))
}

fn date(text: &str, now: SystemTime) -> Option<Duration> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    Some(date.duration_since(now).map_or(Duration::ZERO, |wait| wait.min(MAX_COOLDOWN)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the RFC's own example.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    #[test]
    fn headers_become_a_wait() {
        let year = MAX_COOLDOWN.as_millis();
        let table: &[(Option<&str>, Option<&str>, Option<u128>)] = &[
            (None, None, None),
            // seconds
            (None, Some("20"), Some(20_000)),
            (None, Some(" 20 "), Some(20_000)),
            (None, Some("0"), Some(0)),
            (None, Some("-0"), Some(0)),
            (None, Some("0.5"), Some(500)),
            (None, Some("1e400"), None),
            (None, Some("99999999999999999999999999"), Some(year)),
            // milliseconds win
            (Some("250"), None, Some(250)),
            (Some("250.0"), Some("20"), Some(250)),
            (Some("0"), Some("20"), Some(0)),
            (Some("1e300"), Some("20"), Some(year)),
            // unless unusable
            (Some(""), Some("20"), Some(20_000)),
            (Some("NaN"), Some("20"), Some(20_000)),
            (Some("inf"), Some("20"), Some(20_000)),
            (Some("-1"), Some("20"), Some(20_000)),
            (Some("soon"), Some("20"), Some(20_000)),
            (Some("-1"), Some("-1"), None),
            (Some("-inf"), Some("NaN"), None),
            (None, Some("infinity"), None),
            (None, Some("tomorrow"), None),
            (None, Some(""), None),
            // dates, in all three forms of RFC 9110 §5.6.7
            (None, Some("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60_000)),
            (None, Some("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60_000)),
            (None, Some("Sun Nov  6 08:50:37 1994"), Some(60_000)),
            (None, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0)),
            (None, Some("Sun, 06 Nov 1994 08:48:37 GMT"), Some(0)),
            (None, Some("Fri, 31 Dec 9999 23:59:59 GMT"), Some(year)),
            (None, Some("Sun, 06 Nov 1994 08:50:37 CET"), None),
            // a date is no number of milliseconds
            (Some("Sun, 06 Nov 1994 08:50:37 GMT"), None, None),
            (Some("Sun, 06 Nov 1994 08:50:37 GMT"), Some("1"), Some(1_000)),
        ];
        for (ms, seconds, expected) in table {
            let actual = retry_after(*ms, *seconds, now()).map(|wait| wait.as_millis());
            assert_eq!(actual, *expected, "retry-after-ms: {ms:?}, retry-after: {seconds:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_accepted(ms in proptest::option::of(any::<String>()), seconds in any::<String>()) {
            let wait = retry_after(ms.as_deref(), Some(&seconds), now());
            prop_assert!(wait.is_none_or(|wait| wait <= MAX_COOLDOWN));
        }

        #[test]
        fn every_finite_positive_number_is_a_wait(number in any::<f64>()) {
            let text = number.to_string();
            let expected = number.is_finite() && number >= 0.0;
            prop_assert_eq!(retry_after(Some(&text), None, now()).is_some(), expected);
            prop_assert_eq!(retry_after(None, Some(&text), now()).is_some(), expected);
        }
    }
}
