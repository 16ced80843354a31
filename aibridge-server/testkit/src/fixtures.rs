use crate::Txtar;
use std::path::{Path, PathBuf};

/// Where recorded provider traffic lies that is not part of the repository, if it is there: `AIBRIDGE_FIXTURES`,
/// else `../shared/fixtures` beside the workspace.
#[allow(clippy::disallowed_methods, reason = "tests are told where to look by their environment")]
pub fn fixtures_dir() -> Option<PathBuf> {
    let beside_workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let dir = std::env::var_os("AIBRIDGE_FIXTURES").map_or(beside_workspace, PathBuf::from);
    dir.canonicalize().ok().filter(|dir| dir.is_dir())
}

/// Where odd provider answers lie as JSON files, if they are there: `../shared/cases` beside the workspace.
pub fn cases_dir() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    dir.canonicalize().ok().filter(|dir| dir.is_dir())
}

/// Every `.txtar` file below `dir`, by its path relative to it without the extension, in order.
///
/// # Panics
///
/// If a file cannot be read.
pub fn all_fixtures(dir: &Path) -> Vec<(String, Txtar)> {
    let mut found = Vec::new();
    collect(dir, dir, &mut found);
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

fn collect(root: &Path, dir: &Path, found: &mut Vec<(String, Txtar)>) {
    for entry in dir.read_dir().unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.expect("a directory entry can be read").path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "txtar") {
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.strip_prefix(root).expect("it lies below its root").with_extension("");
            found.push((name.to_string_lossy().into_owned(), Txtar::parse(&text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_archives_in_folders() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(dir.path().join("chat")).expect("a folder");
        std::fs::write(dir.path().join("chat/simple.txtar"), "-- request --\n{}\n").expect("a file");
        std::fs::write(dir.path().join("README.md"), "no archive").expect("a file");

        let found = all_fixtures(dir.path());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "chat/simple");
        assert_eq!(found[0].1.get("request"), Some("{}\n"));
    }

    #[test]
    fn recordings_hold_a_request_and_an_answer() {
        for (name, archive) in fixtures_dir().iter().flat_map(|dir| all_fixtures(dir)) {
            assert!(archive.get("request").is_some(), "{name} has no request");
            assert!(
                archive.get("streaming").or(archive.get("non-streaming")).is_some(),
                "{name} has no answer"
            );
        }
    }
}
