//! Which crate may know which: the only place where that is written down.

use crate::workspace::{Package, Workspace};
use anyhow::{Result, ensure};

/// From the bottom up. A crate may link to those of lower layers only, so crates of one layer do not know
/// each other.
const LAYERS: &[&[&str]] = &[
    &["aibridge-journal", "aibridge-keypool", "aibridge-recorder"],
    &["aibridge-config"],
    &["aibridge-intercept"],
    &["aibridge-chatcompletions", "aibridge-responses", "aibridge-mcp"],
    &["aibridge-provider"],
    &["aibridge-metrics", "aibridge-store", "aibridge-dump"],
    &["aibridge-api"],
    &["aibridge-server"],
];

/// Crates that stand beside the house. They may know everything, and nobody links to them outside of tests.
const TOOLS: &[&str] = &["aibridge-testkit", "aibridge-traffic", "xtask"];

/// Crates of others that only one of ours may know.
const KEPT: &[(&[&str], &str)] = &[
    (
        &["rusqlite", "libsqlite3-sys", "tokio-postgres", "postgres", "sqlx", "deadpool-postgres"],
        "aibridge-store",
    ),
    (&["axum", "axum-server", "tower-http"], "aibridge-server"),
];

/// Crates that know no HTTP client, and the HTTP clients.
const OFFLINE: &[&str] = &["aibridge-journal", "aibridge-keypool", "aibridge-recorder"];
const HTTP_CLIENTS: &[&str] = &["reqwest", "hyper", "hyper-util", "ureq", "isahc", "curl"];

/// Checks every link of every crate, and counts them.
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
        return vec![format!("{name} has no place in the layers of {}", file!())];
    };
    dependencies
        .iter()
        .filter_map(|dependency| Some(format!("{name} -> {dependency}: {}", wrong(name, layer, dependency)?)))
        .collect()
}

/// Why `name` of `layer` may not link to `dependency`.
fn wrong(name: &str, layer: usize, dependency: &str) -> Option<String> {
    if TOOLS.contains(&dependency) {
        return Some("a tool is for tests only".to_owned());
    }
    if self::layer(dependency).is_some_and(|below| below >= layer) {
        return Some("imports run one way, from a higher layer to a lower one".to_owned());
    }
    if OFFLINE.contains(&name) && HTTP_CLIENTS.contains(&dependency) {
        return Some("this crate knows no HTTP client".to_owned());
    }
    let keeper = KEPT.iter().find(|(crates, keeper)| crates.contains(&dependency) && *keeper != name);
    keeper.map(|(_, keeper)| format!("only {keeper} may know it"))
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
    fn allows_what_the_design_draws() {
        let allowed = [
            ("aibridge-recorder", &["uuid"][..]),
            ("aibridge-config", &["aibridge-keypool", "figment"]),
            ("aibridge-mcp", &["aibridge-intercept", "aibridge-recorder", "reqwest"]),
            ("aibridge-store", &["aibridge-recorder", "rusqlite"]),
            ("aibridge-server", &["aibridge-store", "aibridge-provider", "axum"]),
            ("aibridge-testkit", &["rusqlite", "aibridge-server"]),
        ];
        for (name, dependencies) in allowed {
            assert_eq!(violations(&package(name, dependencies)), [""; 0], "{name}");
        }
    }

    #[test]
    fn finds_each_forbidden_link() {
        let forbidden = [
            ("aibridge-keypool", "aibridge-recorder", "one way"),
            ("aibridge-recorder", "reqwest", "no HTTP client"),
            ("aibridge-config", "aibridge-intercept", "one way"),
            ("aibridge-responses", "aibridge-chatcompletions", "one way"),
            ("aibridge-provider", "aibridge-server", "one way"),
            ("aibridge-server", "rusqlite", "only aibridge-store"),
            ("aibridge-intercept", "axum", "only aibridge-server"),
            ("aibridge-intercept", "aibridge-testkit", "tests only"),
        ];
        for (name, dependency, reason) in forbidden {
            let found = violations(&package(name, &["bytes", dependency]));
            assert!(found.len() == 1 && found[0].contains(reason), "{name} -> {dependency}: {found:?}");
        }
        assert!(violations(&package("aibridge-novelty", &[]))[0].contains("no place"));
    }
}
