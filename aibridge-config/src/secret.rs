use secrecy::SecretString;
use serde::Deserialize;

/// A credential as it stands in the file. It can be read, but neither printed nor written.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Secret(pub(crate) SecretString);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}
