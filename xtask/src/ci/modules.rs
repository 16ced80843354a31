//! Cycles of `use` paths between the files of a crate.
//!
//! A cycle means that two files can only be read together. Uses inside `#[cfg(test)]` modules do not count, and a name
//! that a crate root re-exports counts as a use of the file that defines it.

use aibridge_workspace::{output, root};
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use syn::{Item, UseTree, Visibility};

/// Cycles that are allowed, each with its reason: files relative to the top of the repository.
const EXCEPTIONS: &[(&[&str], &str)] = &[];

/// The `use` paths of one file, by module path within its crate.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    /// Absolute paths within the crate.
    uses: Vec<Vec<String>>,
    /// Public re-exports: the exported name and the path that it stands for.
    exports: BTreeMap<String, Vec<String>>,
}

type Modules = BTreeMap<Vec<String>, Module>;

/// Checks that no crate has a cycle across files, and returns the number of files.
pub(super) fn check() -> Result<usize> {
    let listed =
        output(Command::new("git").args(["ls-files", "--cached", "*/src/*.rs"]).current_dir(root()))?;
    let mut crates: BTreeMap<PathBuf, Modules> = BTreeMap::new();
    let mut files = 0;
    for file in listed.lines().filter(|file| root().join(file).exists()) {
        let Some((source, path)) = split(file) else { continue };
        let text = std::fs::read_to_string(root().join(file)).with_context(|| format!("read {file}"))?;
        let module = Module::parse(&text, &path).with_context(|| format!("parse {file}"))?;
        crates.entry(source).or_default().insert(path, Module { file: file.into(), ..module });
        files += 1;
    }
    let cycles: Vec<String> = crates.values().flat_map(cycles).collect();
    ensure!(cycles.is_empty(), "{}", cycles.join("\n"));
    Ok(files)
}

/// The `src` folder of a file and its module path: `a/src/b/c.rs` is `["b", "c"]` of `a/src`.
fn split(file: &str) -> Option<(PathBuf, Vec<String>)> {
    let (package, below) = file.split_once("/src/")?;
    let mut path: Vec<String> = below.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if path.len() == 1 && (path[0] == "lib" || path[0] == "main") {
        path.clear();
    }
    Some((Path::new(package).join("src"), path))
}

impl Module {
    fn parse(text: &str, path: &[String]) -> Result<Self> {
        let mut module = Self::default();
        module.collect(&syn::parse_file(text)?.items, path);
        Ok(module)
    }

    fn collect(&mut self, items: &[Item], path: &[String]) {
        for item in items {
            match item {
                Item::Use(item) => {
                    let is_public = !matches!(item.vis, Visibility::Inherited);
                    self.flatten(&item.tree, Vec::new(), path, is_public);
                }
                Item::Mod(inner) if !is_for_tests(&inner.attrs) => {
                    if let Some((_, items)) = &inner.content {
                        self.collect(items, path);
                    }
                }
                _ => {}
            }
        }
    }

    fn flatten(&mut self, tree: &UseTree, prefix: Vec<String>, path: &[String], is_public: bool) {
        let extended = |name: &syn::Ident| {
            let mut extended = prefix.clone();
            extended.push(name.to_string());
            extended
        };
        match tree {
            UseTree::Path(inner) => self.flatten(&inner.tree, extended(&inner.ident), path, is_public),
            UseTree::Group(group) => {
                for inner in &group.items {
                    self.flatten(inner, prefix.clone(), path, is_public);
                }
            }
            UseTree::Name(name) => self.add(extended(&name.ident), &name.ident, path, is_public),
            UseTree::Rename(name) => self.add(extended(&name.ident), &name.rename, path, is_public),
            UseTree::Glob(_) => {
                self.uses.extend(absolute(&prefix, path));
            }
        }
    }

    fn add(&mut self, target: Vec<String>, name: &syn::Ident, path: &[String], is_public: bool) {
        let Some(target) = absolute(&target, path) else {
            // `pub use child::Name` in the parent: edition 2024 resolves it relative to the module.
            if is_public {
                let target = path.iter().cloned().chain(target).collect();
                self.exports.insert(name.to_string(), target);
            }
            return;
        };
        if is_public {
            self.exports.insert(name.to_string(), target);
        } else {
            self.uses.push(target);
        }
    }
}

/// `target` as a path from the crate's root, `None` if it may lie outside of the crate.
fn absolute(target: &[String], path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = target.split_first()?;
    let (base, rest) = match first.as_str() {
        "crate" => (&[][..], rest),
        "self" => (path, rest),
        "super" => {
            let ups = target.iter().take_while(|segment| *segment == "super").count();
            (path.get(..path.len().checked_sub(ups)?)?, &target[ups..])
        }
        _ => return None,
    };
    Some(base.iter().chain(rest).cloned().collect())
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// The file that defines what `target` names, following re-exports.
fn resolve<'a>(modules: &'a Modules, target: &[String], depth: usize) -> Option<&'a Vec<String>> {
    for length in (0..=target.len()).rev() {
        let Some((path, module)) = modules.get_key_value(&target[..length]) else { continue };
        let exported = target.get(length).and_then(|name| module.exports.get(name));
        return match exported {
            Some(exported) if depth > 0 && exported != target => {
                resolve(modules, exported, depth - 1).or(Some(path))
            }
            _ => Some(path),
        };
    }
    None
}

/// One line for each cycle: its files.
fn cycles(modules: &Modules) -> Vec<String> {
    let mut graph: petgraph::graphmap::DiGraphMap<usize, ()> = petgraph::graphmap::DiGraphMap::default();
    let paths: Vec<&Vec<String>> = modules.keys().collect();
    let number = |path: &Vec<String>| paths.binary_search(&path).ok();
    for (path, module) in modules {
        let targets = module.uses.iter().filter_map(|target| resolve(modules, target, 8));
        for target in targets.filter(|target| *target != path && !target.is_empty()) {
            if let (Some(from), Some(to)) = (number(path), number(target)) {
                graph.add_edge(from, to, ());
            }
        }
    }
    let components = petgraph::algo::tarjan_scc(&graph);
    let cycles = components.into_iter().filter(|component| component.len() > 1);
    let files = cycles.map(|component| {
        component
            .into_iter()
            .map(|node| modules[paths[node]].file.to_string_lossy().into_owned())
            .collect::<BTreeSet<_>>()
    });
    files
        .filter(|files| !is_excepted(files))
        .map(|files| format!("files that use each other: {}", Vec::from_iter(files).join(", ")))
        .collect()
}

fn is_excepted(files: &BTreeSet<String>) -> bool {
    EXCEPTIONS.iter().any(|(excepted, _)| files.iter().all(|file| excepted.contains(&file.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let modules = files.iter().map(|(file, text)| {
            let (_, path) = split(file).unwrap();
            let module = Module::parse(text, &path).unwrap();
            (path, Module { file: file.into(), ..module })
        });
        cycles(&modules.collect())
    }

    #[test]
    fn finds_files_that_use_each_other() {
        let cycle = [
            ("x/src/lib.rs", "mod a; mod b; pub use b::B;"),
            ("x/src/a.rs", "use crate::B; use std::fmt;"),
            ("x/src/b.rs", "mod c; use self::c::C;"),
            ("x/src/b/c.rs", "use crate::a::{self, A};"),
        ];
        let found = found(&cycle);
        assert!(found.len() == 1 && found[0].contains("a.rs, x/src/b.rs, x/src/b/c.rs"), "{found:?}");
    }

    #[test]
    fn allows_uses_in_one_direction_and_in_tests() {
        let one_way = [
            ("x/src/lib.rs", "mod a; mod b; pub use a::A;"),
            ("x/src/a.rs", "use super::b::B; #[cfg(test)] mod tests { use super::*; }"),
            ("x/src/b.rs", "use b::x; #[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert_eq!(found(&one_way), [""; 0]);
    }
}
