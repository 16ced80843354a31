//! `[admin]`: the listener for operators.

use crate::address;
use crate::report::Report;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The listener for operators, with metrics and health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The address of a separate listener; port 0 picks a free port. `None` serves the routes on `server.listen`.
    pub listen: Option<SocketAddr>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawAdmin {
    listen: String,
}

impl From<&Admin> for RawAdmin {
    fn from(admin: &Admin) -> Self {
        Self { listen: admin.listen.map(|address| address.to_string()).unwrap_or_default() }
    }
}

pub(crate) fn resolve(raw: &RawAdmin, report: &mut Report<'_>) -> Option<Admin> {
    if raw.listen.is_empty() {
        return Some(Admin { listen: None });
    }
    let listen = report.keep("admin.listen", address::parse(&raw.listen));
    Some(Admin { listen: Some(listen?) })
}
