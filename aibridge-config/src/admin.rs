use crate::Server;
use crate::address::{self, is_same};
use crate::report::Report;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What only operators look at: metrics and health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Where to serve it apart from what clients use; port 0 picks a free one.
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

/// Refuses an address that cannot be had twice.
pub(crate) fn refuse_collision(admin: &Admin, server: &Server, report: &mut Report<'_>) {
    if let Some(listen) = admin.listen.filter(|&listen| is_same(listen, server.listen)) {
        let message = format!(
            "{listen} is taken by server.listen = \"{}\"; write another port, or take admin.listen out to serve \
             both on one",
            server.listen
        );
        report.problem("admin.listen", message);
    }
}
