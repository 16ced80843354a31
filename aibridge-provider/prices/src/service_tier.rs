//! The service tier at the end of a price id.

/// Marks a service tier that has a row of its own.
const STATED: char = '#';

/// Marks a service tier whose price is that of a row for another tier.
const ASSUMED: char = '~';

/// The most characters of a service tier in a price id: a provider chooses the name.
const MAX_TIER: usize = 32;

/// The end of a price id that is an assumption for a service tier; empty for a name that no vendor would use.
pub(crate) fn assumed_tier(tier: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if tier.len() <= MAX_TIER && tier.bytes().all(is_plain) {
        format!("{ASSUMED}{tier}")
    } else {
        String::new()
    }
}

/// Splits a price id, or its end, into the row and the service tier.
pub(crate) fn split_tier(row: &str) -> (&str, Option<&str>) {
    match row.rsplit_once([STATED, ASSUMED]) {
        // The names of some models begin with the mark.
        Some((row, tier)) if !row.ends_with('/') && !tier.contains('/') => (row, Some(tier)),
        _ => (row, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumed_tier_is_a_plain_name() {
        assert_eq!(assumed_tier("batch"), "~batch");
        assert_eq!((assumed_tier("a,b"), assumed_tier(&"x".repeat(33))), (String::new(), String::new()));
    }
}
