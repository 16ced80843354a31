//! Safe folder names for models, whose names clients choose.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The folder of passthrough requests.
pub(crate) const PASSTHROUGH: &str = "passthrough";

/// Percent-encodes every character, `%` included, that needs care in a shell or file system.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The longest name, in bytes: file systems allow 255. A longer one keeps its first bytes and ends in a hash.
const MAX_LENGTH: usize = 200;
const HASHED_PREFIX: usize = 120;

/// Returns the folder name of `model`: a single path component, different for different models.
pub(crate) fn model_folder(model: &str) -> String {
    let encoded = utf8_percent_encode(model, ENCODED).to_string();
    let name = match encoded.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None if encoded.is_empty() => "%".to_owned(), // no other name encodes to a single `%`
        None if encoded == PASSTHROUGH => encoded.replacen('p', "%70", 1),
        None => encoded,
    };
    if name.len() > MAX_LENGTH { shorten(model, &name) } else { name }
}

/// Shortens a name. Other names encode `~`, so the result is never the name of another model.
fn shorten(model: &str, encoded: &str) -> String {
    let mut name = format!("{}~", &encoded[..HASHED_PREFIX]);
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
    fn names_are_safe_path_components() {
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
            assert_eq!(model_folder(model), name, "{model:?}");
        }
    }

    #[test]
    fn long_names_with_different_ends_differ() {
        let (one, two) = ("x".repeat(1000) + "1", "x".repeat(1000) + "2");
        let (one, two) = (model_folder(&one), model_folder(&two));
        assert_ne!(one, two);
        assert_eq!(one.len(), HASHED_PREFIX + 1 + 64);
        assert_eq!(model_folder(&"x".repeat(MAX_LENGTH)), "x".repeat(MAX_LENGTH));
        let dots = ".".repeat(1000);
        assert!(
            model_folder(&dots).starts_with("%2E.") && model_folder(&dots).len() < 255,
            "{}",
            model_folder(&dots)
        );
    }

    proptest! {
        #[test]
        fn no_two_models_share_a_folder(one in "[a./%~é]{0,6}|\\PC{0,300}", two in "[a./%~é]{0,6}") {
            let (name, other) = (model_folder(&one), model_folder(&two));
            prop_assert_eq!(one == two, name == other);
            prop_assert!(!name.is_empty() && name.len() <= 255 && !name.starts_with('.'));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%~".contains(&byte)));
        }
    }
}
