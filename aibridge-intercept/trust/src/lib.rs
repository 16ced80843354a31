//! The verification of TLS servers, and the problem with a certificate that is not trusted.
//!
//! [`ServerVerifier`] trusts the authorities of the system, of a file, or both. A [`TlsProblem`] names the reason of a
//! failed handshake for the people who can remove it. Both are used for providers and for PostgreSQL servers.

mod problem;
mod verifier;

pub use problem::TlsProblem;
pub use verifier::ServerVerifier;
