//! Access tokens of the gateway, without a database: their format, their hash, the checks on a new one, and a
//! short-lived cache of accepted ones.

mod token;
mod token_cache;

pub use token::{NewToken, TokenHash, TokenIdentity, TokenRow, groups};
pub use token_cache::TokenCache;
