//! Relative links in the Markdown documents of the repository.

use aibridge_workspace::{output, root};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Checks that the target of every relative link in a tracked Markdown file exists, and returns the number of links.
pub(super) fn check() -> Result<usize> {
    let files = output(Command::new("git").args(["ls-files", "--cached", "*.md"]).current_dir(root()))?;
    let (mut checked, mut broken) = (0, Vec::new());
    for file in files.lines() {
        let path = root().join(file);
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {file}"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for target in relative_links(&text) {
            checked += 1;
            if !folder.join(target).exists() {
                broken.push(format!("{file}: the link target {target} does not exist"));
            }
        }
    }
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(checked)
}

/// Returns the file of each link `[text](file#part)`.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains("://") && !file.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_to_files_only() {
        let text = "[a](docs/a.md) [b](https://b.test/) [c](#c) [d](e.md#f) f(x)[g](h i)";
        assert_eq!(relative_links(text).collect::<Vec<_>>(), ["docs/a.md", "e.md"]);
    }
}
