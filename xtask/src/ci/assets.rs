//! Checks the files of the dashboard: the vendored ones have the listed checksums and licences, and the total size is
//! limited.

use aibridge_workspace::root;
use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;

/// The largest size of all files of the page together, compressed, in bytes.
const MAX_COMPRESSED: usize = 100 << 10;

/// The list of vendored files, beside them.
const MANIFEST: &str = "manifest.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    file: Vec<Vendored>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendored {
    name: String,
    package: String,
    license: String,
    license_files: Vec<String>,
    sha256: String,
}

/// Checks all files, and returns their number.
pub(super) fn check() -> Result<usize> {
    let dashboard = root().join("aibridge-server/dashboard");
    let (vendor, assets) = (dashboard.join("vendor"), dashboard.join("assets"));
    let manifest = fs::read_to_string(vendor.join(MANIFEST))?;
    let checked = check_vendored(&vendor, &manifest)?;
    let mut sizes = 0;
    let mut files = 0;
    for folder in [&assets, &vendor] {
        for name in names(folder)?.iter().filter(|name| *name != MANIFEST && !name.starts_with("LICENSE")) {
            sizes += compressed(&fs::read(folder.join(name))?)?;
            files += 1;
        }
    }
    ensure!(sizes <= MAX_COMPRESSED, "the page has {sizes} bytes compressed, more than {MAX_COMPRESSED}");
    Ok(checked + files)
}

/// Compares the files in `vendor` with the manifest.
fn check_vendored(vendor: &Path, manifest: &str) -> Result<usize> {
    let manifest: Manifest = toml::from_str(manifest).context(MANIFEST)?;
    let found = names(vendor)?;
    let listed: BTreeSet<String> = manifest.file.iter().map(|file| file.name.clone()).collect();
    let unlisted: Vec<_> = found.iter().filter(|name| *name != MANIFEST && !listed.contains(*name)).collect();
    ensure!(unlisted.is_empty(), "not listed in {MANIFEST}: {unlisted:?}");
    for file in &manifest.file {
        let Vendored { name, package, license, license_files, sha256 } = file;
        ensure!(!package.is_empty() && !license.is_empty(), "{name}: its package or its licence is missing");
        let is_license = name.starts_with("LICENSE");
        ensure!(is_license || !license_files.is_empty(), "{name}: the text of its licence is missing");
        for text in license_files {
            ensure!(listed.contains(text), "{name}: {text} is not listed");
        }
        let content = fs::read(vendor.join(name)).with_context(|| name.clone())?;
        let actual: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        ensure!(actual == *sha256, "{name}: its SHA-256 is {actual}, not the listed {sha256}");
    }
    Ok(manifest.file.len())
}

fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn compressed(content: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_an_unlisted_file_is_found() {
        let folder = std::env::temp_dir().join(format!("aibridge-assets-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("a.js"), "1").expect("a file");
        let entry = |sha256: &str, license: &str| {
            format!(
                "[[file]]\nname = \"a.js\"\npackage = \"a 1\"\nlicense = \"MIT\"\nlicense_files = [{license}]\nsha256 = \"{sha256}\"\n"
            )
        };
        let right = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
        let text =
            "[[file]]\nname = \"LICENSE-a.txt\"\npackage = \"a 1\"\nlicense = \"MIT\"\nlicense_files = []\n";
        let text = format!("{text}sha256 = \"{right}\"\n");
        let problem = |manifest: &str| check_vendored(&folder, manifest).err().map(|error| error.to_string());
        let contains = |manifest: &str, words: &str| {
            let problem = problem(manifest).expect("a problem");
            assert!(problem.contains(words), "{problem}");
        };
        contains(&entry(right, ""), "licence is missing");
        contains(&entry(right, "\"LICENSE-a.txt\""), "is not listed");
        fs::write(folder.join("LICENSE-a.txt"), "1").expect("a file");
        assert_eq!(problem(&format!("{}{text}", entry(right, "\"LICENSE-a.txt\""))), None);
        contains(&format!("{}{text}", entry("00", "\"LICENSE-a.txt\"")), right);
        contains("file = []", "not listed in");
        fs::remove_dir_all(&folder).expect("a folder");
    }
}
