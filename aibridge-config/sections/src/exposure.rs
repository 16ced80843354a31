//! Checks of settings that depend on each other: combinations of listeners and authentication that are unsafe.

use crate::web::ANY_ORIGIN;
use crate::{Admin, Auth, AuthMode, Server};
use aibridge_values::address::{collides, is_exposed};
use aibridge_values::report::Report;

/// Rejects an admin listener with the address of the server.
pub fn reject_collision(admin: &Admin, server: &Server, report: &mut Report<'_>) {
    if let Some(listen) = admin.listen.filter(|&listen| collides(listen, server.listen)) {
        let message = format!(
            "{listen} is already used by server.listen = \"{}\"; write another port, or remove admin.listen to \
             serve both on one",
            server.listen
        );
        report.problem("admin.listen", message);
    }
}

/// Rejects listeners that other machines can use without an access token, unless `server.insecure` allows it.
pub fn reject_exposure(server: &Server, admin: Option<&Admin>, auth: &Auth, report: &mut Report<'_>) {
    let is_open = auth.mode == AuthMode::None && !server.insecure;
    // With a problem in one of these, the intended value is unknown and may be safe.
    let is_known = !report.concerns("auth.mode") && !report.concerns("server.insecure");
    if !is_open || !is_known {
        return;
    }
    let listeners = [
        ("server.listen", Some(server.listen), "spend your keys"),
        ("admin.listen", admin.and_then(|admin| admin.listen), "read the metrics"),
    ];
    for (setting, address, harm) in listeners {
        if let Some(address) = address.filter(|&address| is_exposed(address)) {
            let message = format!(
                "{address} can be reached from other machines, and with auth.mode = \"none\" every client there \
                 could {harm}; listen on \"127.0.0.1:{}\", or write auth.mode = \"tokens\", or \
                 server.insecure = true",
                address.port()
            );
            report.problem(setting, message);
        }
    }
}

/// Rejects pages of every origin if the gateway requires no access token.
pub fn reject_any_origin(server: &Server, auth: &Auth, report: &mut Report<'_>) {
    let is_any = |origin: &String| origin == ANY_ORIGIN;
    if let Some(at) = server.cors_origins.iter().position(is_any).filter(|_| auth.mode == AuthMode::None) {
        let message = "\"*\" would allow every web page that your users visit to spend your keys while auth.mode is \
                       \"none\"; write auth.mode = \"tokens\", or list the origins";
        report.problem(&format!("server.cors_origins[{at}]"), message.to_owned());
    }
}
