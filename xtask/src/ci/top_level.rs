//! The entries at the top of the repository: crates, documents and nothing else.

use aibridge_workspace::{output, root};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::process::Command;

const FOLDERS: [&str; 6] = [
    "aibridge-config",
    "aibridge-intercept",
    "aibridge-keypool",
    "aibridge-provider",
    "aibridge-server",
    "xtask",
];

/// Files and folders of any repository. Names that begin with a dot are allowed, too.
const COMMON: [&str; 5] = ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "docs"];

/// Checks the entries at the top of the repository, and returns their number.
pub(super) fn check() -> Result<usize> {
    let files = output(Command::new("git").args(["ls-files", "--cached"]).current_dir(root()))?;
    let entries: BTreeSet<&str> = files.lines().filter_map(|file| file.split('/').next()).collect();
    let wrong = violations(&entries);
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(entries.len())
}

fn violations(entries: &BTreeSet<&str>) -> Vec<String> {
    let expected = || FOLDERS.into_iter().chain(COMMON);
    let missing = expected().filter(|&entry| entry != "docs" && !entries.contains(entry));
    let surplus =
        entries.iter().filter(|entry| !entry.starts_with('.') && !expected().any(|known| known == **entry));
    let missing = missing.map(|entry| format!("{entry} is missing at the top of the repository"));
    missing
        .chain(surplus.map(|entry| format!("{entry} does not belong at the top of the repository")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_missing_and_surplus_entries() {
        let mut entries: BTreeSet<&str> =
            FOLDERS.into_iter().chain(COMMON).chain([".ci", ".gitignore"]).collect();
        assert_eq!(violations(&entries), [""; 0]);
        entries.remove("docs");
        assert_eq!(violations(&entries), [""; 0]);
        entries.remove("LICENSE");
        entries.insert("scripts");
        let wrong = violations(&entries);
        assert!(
            wrong.len() == 2 && wrong[0].contains("LICENSE") && wrong[1].contains("scripts"),
            "{wrong:?}"
        );
    }
}
