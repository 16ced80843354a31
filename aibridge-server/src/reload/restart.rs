//! The settings that only a restart can change.

use aibridge_config::Config;

/// Returns the names of changed settings that only a restart puts in force.
pub(super) fn required(old: &Config, new: &Config) -> Vec<&'static str> {
    // Destructured, so that the compiler finds a section that is missing here. A reload applies the sections named `_`.
    let Config {
        server,
        tls,
        admin,
        auth: _,
        limits: _,
        budgets,
        prices: _,
        store,
        metrics,
        telemetry,
        log,
        providers: _,
    } = old;
    let table = [
        ("server.listen", server.listen != new.server.listen),
        ("tls", tls.is_some() != new.tls.is_some()),
        ("admin.listen", admin.listen != new.admin.listen),
        ("auth.mode", new.auth.mode != reloadable_mode(old, new)),
        ("budgets.time_zone", budgets.time_zone != new.budgets.time_zone),
        ("store.url", store.url != new.store.url),
        ("store.durability", store.durability != new.store.durability),
        ("store.timeout", store.timeout != new.store.timeout),
        ("store.journal", store.journal != new.store.journal),
        ("store.journal_max_bytes", store.journal_max_bytes != new.store.journal_max_bytes),
        ("metrics", *metrics != new.metrics),
        ("telemetry", *telemetry != new.telemetry),
        ("log.format", log.format != new.log.format),
        ("log.records_to_log", log.records_to_log != new.log.records_to_log),
    ];
    table.into_iter().filter_map(|(setting, differs)| differs.then_some(setting)).collect()
}

/// Returns the authentication mode that a reload may put in force. `new` was validated with its own listen addresses; if
/// these need a restart, the mode needs it as well.
pub(super) fn reloadable_mode(old: &Config, new: &Config) -> aibridge_config::AuthMode {
    let moves = old.server.listen != new.server.listen || old.admin.listen != new.admin.listen;
    if moves { old.auth.mode } else { new.auth.mode }
}
