//! `[admin]`: the listener for operators.

use aibridge_values::address;
use aibridge_values::report::Report;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The listener for operators, with metrics and health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The address of a separate listener; port 0 picks a free port. `None` serves the routes on `server.listen`.
    pub listen: Option<SocketAddr>,
}

/// The mirror of `[admin]`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawAdmin {
    listen: String,
}

impl From<&Admin> for RawAdmin {
    fn from(admin: &Admin) -> Self {
        Self { listen: admin.listen.map(|address| address.to_string()).unwrap_or_default() }
    }
}

/// Validates `[admin]`. `None` if it has a problem.
pub fn resolve(raw: &RawAdmin, report: &mut Report<'_>) -> Option<Admin> {
    if raw.listen.is_empty() {
        return Some(Admin { listen: None });
    }
    let listen = report.keep("admin.listen", address::parse(&raw.listen));
    Some(Admin { listen: Some(listen?) })
}
