//! The largest size of a crate. A larger one is divided, so that each crate can be read as a whole.

use aibridge_workspace::{output, root};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// The largest number of lines in the `src` folder of a crate, unit tests included.
const MAX_LINES: usize = 3000;

/// Checks the size of every crate, and returns their number.
pub(super) fn check() -> Result<usize> {
    let listed =
        output(Command::new("git").args(["ls-files", "--cached", "*/src/*.rs"]).current_dir(root()))?;
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for file in listed.lines().filter(|file| root().join(file).exists()) {
        let Some((package, _)) = file.split_once("/src/") else { continue };
        let text = fs::read_to_string(root().join(file)).with_context(|| format!("read {file}"))?;
        *sizes.entry(package).or_default() += text.lines().count();
    }
    let too_large = violations(&sizes);
    ensure!(too_large.is_empty(), "{}", too_large.join("\n"));
    Ok(sizes.len())
}

fn violations(sizes: &BTreeMap<&str, usize>) -> Vec<String> {
    let too_large = sizes.iter().filter(|(_, lines)| **lines > MAX_LINES);
    too_large
        .map(|(package, lines)| {
            format!("{package} has {lines} lines, at most {MAX_LINES} are allowed: divide it")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_beyond_the_limit_is_named() {
        let sizes = BTreeMap::from([("a", MAX_LINES), ("a/b", MAX_LINES + 1)]);
        assert_eq!(violations(&sizes), ["a/b has 3001 lines, at most 3000 are allowed: divide it"]);
    }
}
