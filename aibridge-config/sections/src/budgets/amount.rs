//! Amounts of money in the settings, such as `"200 USD"`.

use aibridge_prices::NanoUsd;

/// Parses an amount of dollars.
///
/// # Errors
///
/// A message if the text is not a decimal number and `USD`.
pub(super) fn parse(text: &str) -> Result<NanoUsd, String> {
    let dollars = text.trim().strip_suffix("USD").filter(|dollars| dollars.ends_with(' '));
    let dollars = dollars.map(str::trim);
    let amount = dollars.and_then(|dollars| NanoUsd::parse_dollars(dollars).ok());
    let amount = amount.ok_or_else(|| {
        format!("{text:?} is not an amount; write dollars, e.g. \"200 USD\" or \"0.50 USD\"")
    })?;
    // Rounded to nothing, it would block everything.
    let is_tiny = amount == NanoUsd::ZERO && text.contains(|digit| matches!(digit, '1'..='9'));
    if is_tiny {
        Err(format!("{text:?} is less than 0.000000001 USD; write \"0 USD\" to block"))
    } else {
        Ok(amount)
    }
}

/// Parses an amount that must not be zero.
///
/// # Errors
///
/// A message if the text is not an amount, or zero.
pub(super) fn positive(text: &str) -> Result<NanoUsd, String> {
    let amount = parse(text)?;
    if amount == NanoUsd::ZERO {
        return Err("is zero; write a larger amount, e.g. \"1 USD\"".to_owned());
    }
    Ok(amount)
}

/// The amount as the settings spell it.
pub(super) fn format(amount: NanoUsd) -> String {
    let decimal = amount.to_decimal();
    format!("{} USD", decimal.strip_suffix(".00").unwrap_or(&decimal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_dollars() {
        for (text, nano) in [("200 USD", 200_000_000_000), ("0 USD", 0), (" 0.5  USD ", 500_000_000)] {
            assert_eq!(parse(text), Ok(NanoUsd::new(nano)), "{text}");
        }
        for text in [
            "0.0000000001 USD",
            "",
            "200",
            "200USD",
            "USD",
            " USD",
            "$200",
            "200 EUR",
            "-1 USD",
            "1e99 USD",
            "two USD",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(positive("0 USD").is_err());
    }

    #[test]
    fn formats_as_it_parses() {
        for text in ["200 USD", "0.50 USD", "0.000000001 USD", "0 USD"] {
            assert_eq!(parse(text).map(format), Ok(text.to_owned()));
        }
    }
}
