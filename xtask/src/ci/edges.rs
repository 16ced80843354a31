//! The allowed dependencies between crates. This is the only place that lists them.

use aibridge_workspace::{Package, Workspace};
use anyhow::{Result, ensure};

/// The layers, from the bottom up. A crate may depend on crates of lower layers only, not on crates of its own layer.
const LAYERS: &[&[&str]] = &[
    &[
        "aibridge-api-schema",
        "aibridge-journal-format",
        "aibridge-keypool",
        "aibridge-presets",
        "aibridge-prices",
        "aibridge-recorder",
        "aibridge-json",
        "aibridge-trust",
        "aibridge-values",
    ],
    &["aibridge-budgets", "aibridge-journal"],
    &["aibridge-client", "aibridge-error", "aibridge-sections", "aibridge-sse"],
    &["aibridge-headers", "aibridge-observer", "aibridge-provider-section"],
    &["aibridge-config", "aibridge-upstream"],
    &["aibridge-intercept"],
    &["aibridge-chatcompletions", "aibridge-messages", "aibridge-responses"],
    &["aibridge-provider"],
    &["aibridge-store-core"],
    &["aibridge-projector", "aibridge-tokens"],
    &["aibridge-postgres", "aibridge-sqlite"],
    &["aibridge-queries"],
    &["aibridge-metrics", "aibridge-store", "aibridge-dump"],
    &[
        "aibridge-accounting",
        "aibridge-api-parameters",
        "aibridge-limits",
        "aibridge-listen",
        "aibridge-telemetry",
    ],
    &["aibridge-api", "aibridge-dashboard"],
    &["aibridge-admission", "aibridge-cli"],
    &["aibridge-handler"],
    &["aibridge-server"],
];

/// Crates for tests and development. They may depend on every crate; no other crate depends on them outside of tests.
const TOOLS: &[&str] = &[
    "aibridge-bench",
    "aibridge-chaos",
    "aibridge-chaos-checker",
    "aibridge-demo",
    "aibridge-testkit",
    "aibridge-testkit-wire",
    "aibridge-traffic",
    "aibridge-workspace",
    "xtask",
];

/// External crates, and the only crates of ours that may depend on them.
const EXCLUSIVE: &[(&[&str], &[&str])] = &[
    (&["rusqlite", "libsqlite3-sys"], &["aibridge-sqlite"]),
    (&["tokio-postgres", "postgres", "sqlx", "deadpool-postgres"], &["aibridge-postgres"]),
    (&["axum", "axum-server", "tower-http"], &["aibridge-handler", "aibridge-listen", "aibridge-server"]),
    (&["hyper", "hyper-util"], &["aibridge-upstream", "aibridge-listen"]),
];

/// Crates that may not depend on an HTTP client.
const OFFLINE: &[&str] = &[
    "aibridge-api-schema",
    "aibridge-budgets",
    "aibridge-client",
    "aibridge-config",
    "aibridge-error",
    "aibridge-headers",
    "aibridge-journal",
    "aibridge-journal-format",
    "aibridge-json",
    "aibridge-keypool",
    "aibridge-observer",
    "aibridge-prices",
    "aibridge-provider-section",
    "aibridge-recorder",
    "aibridge-sections",
    "aibridge-sse",
    "aibridge-values",
];

/// The HTTP clients that [`OFFLINE`] crates may not use.
const HTTP_CLIENTS: &[&str] = &["reqwest", "hyper", "hyper-util", "ureq", "isahc", "curl"];

/// Checks every dependency of every crate, and returns their number.
pub(super) fn check() -> Result<usize> {
    let packages = Workspace::load()?.packages;
    let wrong: Vec<String> = packages.iter().flat_map(violations).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(packages.iter().map(|package| package.dependencies.len()).sum())
}

fn violations(package: &Package) -> Vec<String> {
    let Package { name, dependencies } = package;
    if TOOLS.contains(&name.as_str()) {
        return Vec::new();
    }
    let Some(layer) = layer(name) else {
        return vec![format!("{name} is in no layer: add it to LAYERS in {}", file!())];
    };
    dependencies
        .iter()
        .filter_map(|dependency| {
            Some(format!("{name} -> {dependency}: {}", broken_rule(name, layer, dependency)?))
        })
        .collect()
}

/// The rule that the dependency of `name` in `layer` on `dependency` breaks, if it breaks one.
fn broken_rule(name: &str, layer: usize, dependency: &str) -> Option<String> {
    if TOOLS.contains(&dependency) {
        return Some("tools are for tests only".to_owned());
    }
    if self::layer(dependency).is_some_and(|below| below >= layer) {
        return Some("dependencies run one way, from a higher layer to a lower one".to_owned());
    }
    if OFFLINE.contains(&name) && HTTP_CLIENTS.contains(&dependency) {
        return Some("this crate uses no HTTP client".to_owned());
    }
    let rule =
        EXCLUSIVE.iter().find(|(crates, owners)| crates.contains(&dependency) && !owners.contains(&name));
    rule.map(|(_, owners)| format!("only {} may depend on it", owners.join(", ")))
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn allows_the_dependencies_of_the_design() {
        let allowed = [
            ("aibridge-recorder", &["uuid"][..]),
            ("aibridge-config", &["aibridge-sections", "figment"]),
            ("aibridge-responses", &["aibridge-intercept", "aibridge-recorder", "bytes"]),
            ("aibridge-sqlite", &["aibridge-recorder", "rusqlite"]),
            ("aibridge-server", &["aibridge-store", "aibridge-provider", "axum"]),
            ("aibridge-testkit", &["rusqlite", "aibridge-server"]),
        ];
        for (name, dependencies) in allowed {
            assert_eq!(violations(&package(name, dependencies)), [""; 0], "{name}");
        }
    }

    #[test]
    fn finds_each_forbidden_dependency() {
        let forbidden = [
            ("aibridge-keypool", "aibridge-recorder", "one way"),
            ("aibridge-recorder", "reqwest", "no HTTP client"),
            ("aibridge-config", "aibridge-intercept", "one way"),
            ("aibridge-responses", "aibridge-chatcompletions", "one way"),
            ("aibridge-provider", "aibridge-server", "one way"),
            ("aibridge-store", "rusqlite", "only aibridge-sqlite"),
            ("aibridge-intercept", "axum", "only aibridge-handler"),
            ("aibridge-intercept", "aibridge-testkit", "tests only"),
        ];
        for (name, dependency, reason) in forbidden {
            let found = violations(&package(name, &["bytes", dependency]));
            assert!(found.len() == 1 && found[0].contains(reason), "{name} -> {dependency}: {found:?}");
        }
        assert!(violations(&package("aibridge-unlisted", &[]))[0].contains("no layer"));
    }
}
