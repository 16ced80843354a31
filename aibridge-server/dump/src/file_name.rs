//! A folder's name for a model, which clients may name as they like.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The folder of what is passed through.
pub(crate) const PASSTHROUGH: &str = "passthrough";

/// What is no trouble in any shell or file system stays; all else is percent-encoded, `%` too.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// File systems hold 255 bytes. A longer name ends in a hash instead of its end.
const LONGEST: usize = 200;
const KEPT_OF_LONGER: usize = 120;

/// A name that is one folder, of which two models never have the same.
pub(crate) fn of_model(model: &str) -> String {
    let encoded = utf8_percent_encode(model, ENCODED).to_string();
    let name = match encoded.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None if encoded.is_empty() => "%".to_owned(), // alone it encodes nothing else
        None if encoded == PASSTHROUGH => encoded.replacen('p', "%70", 1),
        None => encoded,
    };
    if name.len() > LONGEST { shortened(model, &name) } else { name }
}

/// `~` is always encoded elsewhere, so that this is no other model's name.
fn shortened(model: &str, encoded: &str) -> String {
    let mut name = format!("{}~", &encoded[..KEPT_OF_LONGER]);
    for byte in Sha256::digest(model) {
        let _infallible = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_one_harmless_folder() {
        let table = [
            ("gpt-4.1", "gpt-4.1"),
            ("unknown", "unknown"),
            ("ft:gpt-4.1:org::x", "ft%3Agpt-4.1%3Aorg%3A%3Ax"),
            ("meta-llama/Llama-3", "meta-llama%2FLlama-3"),
            ("a%2Fb", "a%252Fb"),
            ("", "%"),
            (".", "%2E"),
            ("..", "%2E."),
            ("../../etc", "%2E.%2F..%2Fetc"),
            (".hidden", "%2Ehidden"),
            ("/etc/passwd", "%2Fetc%2Fpasswd"),
            ("a\\b", "a%5Cb"),
            ("a\0b\n", "a%00b%0A"),
            ("ü ~", "%C3%BC%20%7E"),
            ("passthrough", "%70assthrough"),
            ("Passthrough", "Passthrough"),
        ];
        for (model, name) in table {
            assert_eq!(of_model(model), name, "{model:?}");
        }
    }

    #[test]
    fn long_names_differ_by_their_ends() {
        let (one, two) = ("x".repeat(1000) + "1", "x".repeat(1000) + "2");
        let (one, two) = (of_model(&one), of_model(&two));
        assert_ne!(one, two);
        assert_eq!(one.len(), KEPT_OF_LONGER + 1 + 64);
        assert_eq!(of_model(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        let dots = ".".repeat(1000);
        assert!(of_model(&dots).starts_with("%2E.") && of_model(&dots).len() < 255, "{}", of_model(&dots));
    }

    proptest! {
        #[test]
        fn no_two_models_share_a_folder(one in "[a./%~é]{0,6}|\\PC{0,300}", two in "[a./%~é]{0,6}") {
            let (name, other) = (of_model(&one), of_model(&two));
            prop_assert_eq!(one == two, name == other);
            prop_assert!(!name.is_empty() && name.len() <= 255 && !name.starts_with('.'));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%~".contains(&byte)));
        }
    }
}
