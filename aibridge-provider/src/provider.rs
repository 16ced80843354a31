//! The [`Provider`] trait: a profile, and the interceptors for its dialects.

use crate::profile::Profile;
use aibridge_intercept::{ConnectionsError, Error, Interceptor, Request};
use std::ops::Deref;

/// A provider. It dereferences to its data, the [`Profile`]; the trait itself is the only code that differs by type.
pub trait Provider: Deref<Target = Profile> + Send + Sync {
    /// Creates the interceptor for `request`: generates an id, chooses between BYOK and a pooled key, and parses the
    /// request in the dialect of its route.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRoute`] if the route is not bridged, [`Error::NoCredential`] if the request has no credential and
    /// the provider has no keys, and the errors of the dialect's parser.
    fn create_interceptor(&self, request: Request) -> Result<Box<dyn Interceptor>, Error>;
}

/// The reason why a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The base URL is not an `http` or `https` URL, or has a query or fragment.
    #[error(
        "the provider {name:?} cannot use the base URL {url:?}: write an http or https URL without query or fragment"
    )]
    BaseUrl {
        /// The name of the provider.
        name: String,
        /// The configured base URL.
        url: String,
    },
    /// The keys cannot form a key pool.
    #[error("the provider {name:?} cannot use its keys: {source}")]
    Keys {
        /// The name of the provider.
        name: String,
        /// The error of the key pool.
        source: aibridge_keypool::KeyPoolError,
    },
    /// The provider has keys, but clients always bring their own.
    #[error("the provider {name:?} accepts only keys of its users: leave out its keys")]
    ByokOnly {
        /// The name of the provider.
        name: String,
    },
    /// The HTTP client for the provider cannot be created.
    #[error("the provider {name:?} cannot set up connections: {source}")]
    Connections {
        /// The name of the provider.
        name: String,
        /// The error of the HTTP client or of the TLS library.
        source: ConnectionsError,
    },
}
