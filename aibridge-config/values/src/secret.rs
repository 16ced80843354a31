//! Credentials in the settings file.

use secrecy::SecretString;
use serde::Deserialize;

/// A credential in the settings file. It can be deserialised, but neither printed nor serialised.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(pub SecretString);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}
