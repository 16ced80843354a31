use aibridge_config::Config;

/// The settings that are in force as they were at the start, and that `new` wants otherwise.
pub(super) fn needed(old: &Config, new: &Config) -> Vec<&'static str> {
    // Taken apart, so that no section can be forgotten here. What is not compared can change at any time.
    let Config { server, tls, admin, auth: _, limits: _, store, metrics, telemetry, log, providers: _ } = old;
    let table = [
        ("server.listen", server.listen != new.server.listen),
        ("tls", tls.is_some() != new.tls.is_some()),
        ("admin.listen", admin.listen != new.admin.listen),
        ("auth.mode", new.auth.mode != mode_beside(old, new)),
        ("store.url", store.url != new.store.url),
        ("store.durability", store.durability != new.store.durability),
        ("store.timeout", store.timeout != new.store.timeout),
        ("store.spool", store.spool != new.store.spool),
        ("metrics", *metrics != new.metrics),
        ("telemetry", *telemetry != new.telemetry),
        ("log.format", log.format != new.log.format),
        ("log.records_to_log", log.records_to_log != new.log.records_to_log),
    ];
    table.into_iter().filter_map(|(setting, differs)| differs.then_some(setting)).collect()
}

/// Who may come in beside the listeners that there are. That `new` opens a door was found harmless with the addresses
/// that it names, so it is not opened on others.
pub(super) fn mode_beside(old: &Config, new: &Config) -> aibridge_config::AuthMode {
    let moves = old.server.listen != new.server.listen || old.admin.listen != new.admin.listen;
    if moves { old.auth.mode } else { new.auth.mode }
}
