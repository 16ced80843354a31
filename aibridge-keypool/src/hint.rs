//! The masking of credentials.

/// Masks a credential, e.g. `sk-a...efgh`.
///
/// The hint shows 4 characters at each end from a length of 20, 2 from 10, 1 from 5, and none below, with `...` between
/// them. The hint of the empty string is empty. Lengths are in characters, not bytes.
pub fn hint(credential: &str) -> String {
    let characters: Vec<char> = credential.chars().collect();
    let shown = match characters.len() {
        0 => return String::new(),
        1..=4 => 0,
        5..=9 => 1,
        10..=19 => 2,
        _ => 4,
    };
    let text = |characters: &[char]| characters.iter().collect::<String>();
    let (head, tail) = (&characters[..shown], &characters[characters.len() - shown..]);
    format!("{}...{}", text(head), text(tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_both_ends_according_to_the_length() {
        let table = [
            ("", ""),
            ("a", "..."),
            ("abcd", "..."),
            ("abcde", "a...e"),
            ("abcdefghi", "a...i"),
            ("abcdefghij", "ab...ij"),
            ("abcdefghijklmnopqrs", "ab...rs"),
            ("abcdefghijklmnopqrst", "abcd...qrst"),
            ("sk-abcdefghijklmnopqrstuvwxyzefgh", "sk-a...efgh"),
            ("éàü", "..."),
            ("éàüöß", "é...ß"),
            ("日本語日本語日本語鍵", "日本...語鍵"),
        ];
        for (credential, expected) in table {
            assert_eq!(hint(credential), expected, "{credential:?}");
        }
    }

    proptest! {
        #[test]
        fn at_least_half_stays_hidden(credential in "\\PC{1,80}") {
            let length = credential.chars().count();
            let shown = hint(&credential).chars().count() - 3;
            prop_assert!(shown * 2 <= length, "{shown} of {length}");
        }
    }
}
