//! Which TLS servers are trusted, and what is wrong with the certificate of one that is not.
//!
//! [`ServerVerifier`] trusts the authorities of the system, of a file, or both. A [`TlsProblem`] names the reason of a
//! failed handshake for the people who can remove it. Both are used for providers and for PostgreSQL servers.

mod problem;
mod verifier;

pub use problem::TlsProblem;
pub use verifier::ServerVerifier;
