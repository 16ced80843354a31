//! The name of a key among gateway processes.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt;

/// Identifies a key without revealing it: the first half of a SHA-256 hash. Equal keys have equal fingerprints.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

/// A prefix of the hashed text. It makes the hash differ from those that other programs compute for the same key.
const DOMAIN: &[u8] = b"aibridge key fingerprint\0";

impl Fingerprint {
    pub(crate) fn of(secret: &SecretString) -> Self {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(secret.expose_secret()).finalize();
        Self(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The fingerprint as 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Fingerprint {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_identifies_a_key_without_revealing_it() {
        let [one, same, other] = ["sk-a", "sk-a", "sk-b"].map(|key| Fingerprint::of(&key.into()));
        assert_eq!(one, same);
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 32);
        assert_ne!(one.as_str(), &format!("{:x}", Sha256::digest("sk-a"))[..32]);
    }
}
