//! Recorded provider traffic that is not part of the repository.

use crate::Txtar;
use std::path::{Path, PathBuf};

/// The directory of recorded provider traffic, if it exists: `AIBRIDGE_FIXTURES`, else `../shared/fixtures` beside the
/// workspace. It is not part of the repository.
#[allow(clippy::disallowed_methods, reason = "an environment variable names the directory")]
pub fn fixtures_dir() -> Option<PathBuf> {
    let beside_workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let dir = std::env::var_os("AIBRIDGE_FIXTURES").map_or(beside_workspace, PathBuf::from);
    dir.canonicalize().ok().filter(|dir| dir.is_dir())
}

/// The directory of unusual provider responses as JSON files, if it exists: `../shared/cases` beside the workspace.
pub fn wire_cases_dir() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    dir.canonicalize().ok().filter(|dir| dir.is_dir())
}

/// Every `.txtar` file below `dir`, sorted by name: the path relative to `dir`, without the extension.
///
/// # Panics
///
/// If a file cannot be read.
pub fn load_fixtures(dir: &Path) -> Vec<(String, Txtar)> {
    let mut fixtures = Vec::new();
    collect(dir, dir, &mut fixtures);
    fixtures.sort_by(|(a, _), (b, _)| a.cmp(b));
    fixtures
}

fn collect(root: &Path, dir: &Path, fixtures: &mut Vec<(String, Txtar)>) {
    for entry in dir.read_dir().unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.expect("a directory entry can be read").path();
        if path.is_dir() {
            collect(root, &path, fixtures);
        } else if path.extension().is_some_and(|extension| extension == "txtar") {
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.strip_prefix(root).expect("a path below the root").with_extension("");
            fixtures.push((name.to_string_lossy().into_owned(), Txtar::parse(&text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_in_subfolders_are_loaded() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(dir.path().join("chat")).expect("a folder");
        std::fs::write(dir.path().join("chat/simple.txtar"), "-- request --\n{}\n").expect("a file");
        std::fs::write(dir.path().join("README.md"), "no archive").expect("a file");

        let fixtures = load_fixtures(dir.path());
        assert_eq!(fixtures.len(), 1);
        assert_eq!(fixtures[0].0, "chat/simple");
        assert_eq!(fixtures[0].1.get("request"), Some("{}\n"));
    }

    #[test]
    fn every_recording_has_a_request_and_a_response() {
        for (name, archive) in fixtures_dir().iter().flat_map(|dir| load_fixtures(dir)) {
            assert!(archive.get("request").is_some(), "{name} has no request");
            assert!(
                archive.get("streaming").or(archive.get("non-streaming")).is_some(),
                "{name} has no response"
            );
        }
    }
}
