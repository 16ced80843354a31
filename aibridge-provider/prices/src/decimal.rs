//! Decimal text as a scaled integer.

/// The largest power of ten that [`parse_scaled`] multiplies by.
const MAX_EXPONENT: i32 = 60;

/// The error of a text that is no decimal number in the accepted range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is not a non-negative decimal number.
    #[error("{0:?} is not a non-negative decimal number")]
    Invalid(String),
    /// The number is too large.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// The value of `text` times ten to the power of `scale`, rounded half up to an integer. `text` is a non-negative
/// decimal number as in JSON or TOML: `2`, `0.075`, `1_000.5`, `7.5e-2`.
pub(crate) fn parse_scaled(text: &str, scale: i32) -> Result<u128, DecimalError> {
    let invalid = || DecimalError::Invalid(text.chars().take(40).collect());
    let number = text.trim();
    let number = number.strip_prefix('+').unwrap_or(number);
    let (mantissa, exponent) = match number.find(['e', 'E']) {
        Some(at) => (&number[..at], number[at + 1..].parse::<i32>().map_err(|_| invalid())?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).filter(|&byte| byte != b'_').collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(invalid());
    }
    let fraction_digits = fraction.bytes().filter(|&byte| byte != b'_').count();
    let shift = i32::try_from(fraction_digits)
        .ok()
        .and_then(|fraction_digits| exponent.checked_add(scale)?.checked_sub(fraction_digits))
        .ok_or_else(invalid)?;
    scale_digits(&digits, shift).ok_or_else(|| DecimalError::TooLarge(text.chars().take(40).collect()))
}

/// The number with these decimal digits times ten to the power of `shift`, rounded half up.
fn scale_digits(digits: &[u8], shift: i32) -> Option<u128> {
    let cut = usize::try_from(shift.checked_neg()?.max(0)).ok()?;
    let kept = digits.len().saturating_sub(cut);
    let mut value: u128 = 0;
    for &digit in &digits[..kept] {
        value = value.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
    }
    if cut > 0 && cut <= digits.len() && digits[kept] >= b'5' {
        value = value.checked_add(1)?;
    }
    if value == 0 || shift <= 0 {
        return Some(value);
    }
    if shift > MAX_EXPONENT {
        return None;
    }
    value.checked_mul(10_u128.checked_pow(u32::try_from(shift).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_and_rounds_half_up() {
        let table = [
            ("0", 6, 0),
            ("2", 6, 2_000_000),
            ("0.075", 6, 75_000),
            ("0.0833333333333333", 6, 83_333),
            ("0.13999999999999999", 6, 140_000),
            ("0.0000005", 6, 1),
            ("0.00000049", 6, 0),
            ("7.5e-2", 6, 75_000),
            ("1E3", 0, 1_000),
            ("1_000.5", 1, 10_005),
            (".5", 0, 1),
            ("5.", 0, 5),
            ("0.4", 0, 0),
            ("1e-40", 6, 0),
            ("0e99", 6, 0),
        ];
        for (text, scale, expected) in table {
            assert_eq!(parse_scaled(text, scale), Ok(expected), "{text} with scale {scale}");
        }
    }

    #[test]
    fn refuses_what_is_no_decimal_number() {
        for text in ["", ".", "-1", "nan", "inf", "1.2.3", "0x10", "1e", "1e+-3", "_", "1 2", "１"] {
            assert!(matches!(parse_scaled(text, 6), Err(DecimalError::Invalid(_))), "{text}");
        }
        for text in ["1e99", "1e2147483647", "999999999999999999999999999999999999999999"] {
            assert!(parse_scaled(text, 6).is_err(), "{text}");
        }
    }
}
