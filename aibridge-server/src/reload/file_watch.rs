//! Watches the directories of the settings files.

use notify::{Config, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// The time in which several changes are gathered into one reload.
const GATHER_TIME: Duration = Duration::from_millis(100);

/// The events that trigger a reload. On Linux that is the end of a write instead of every write: a file is not read
/// half-written, and a busy store in the same directory costs nothing.
#[cfg(target_os = "linux")]
const KINDS: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_NAME)
    .union(EventKindMask::ACCESS_CLOSE);
#[cfg(not(target_os = "linux"))]
const KINDS: EventKindMask = EventKindMask::CORE;

/// Watches directories rather than files, because editors and Kubernetes replace files, and a watch on a file ends with
/// it.
pub(super) struct FileWatch {
    watcher: Option<RecommendedWatcher>,
    directories: BTreeSet<PathBuf>,
    /// Directories that cannot be watched, and that a warning has named.
    unwatchable: BTreeSet<PathBuf>,
    event: Arc<Notify>,
}

impl FileWatch {
    /// Creates a watch without directories.
    pub(super) fn new() -> Self {
        let event = Arc::new(Notify::new());
        let sender = event.clone();
        let on_event = move |_: notify::Result<notify::Event>| sender.notify_one();
        let watcher = RecommendedWatcher::new(on_event, Config::default().with_event_kinds(KINDS));
        let watcher = watcher.map_err(|error| {
            tracing::warn!(%error, "cannot watch files: send SIGHUP to reload changed settings");
        });
        Self { watcher: watcher.ok(), directories: BTreeSet::new(), unwatchable: BTreeSet::new(), event }
    }

    /// Waits until a file changes in one of the directories.
    pub(super) async fn changed(&self) {
        self.event.notified().await;
        tokio::time::sleep(GATHER_TIME).await;
    }

    /// Watches the same paths again, because the directories there may have been replaced.
    pub(super) fn refresh(&mut self) {
        for directory in std::mem::take(&mut self.directories) {
            self.watch(directory);
        }
    }

    /// Watches the directories of these files and no others. Returns whether one of them was not watched before.
    pub(super) fn follow(&mut self, files: &[PathBuf]) -> bool {
        let wanted: BTreeSet<PathBuf> = files.iter().flat_map(|file| directories(file)).collect();
        let removed: Vec<PathBuf> = self.directories.difference(&wanted).cloned().collect();
        for directory in removed {
            self.directories.remove(&directory);
            let _ = self.watcher.as_mut().map(|watcher| watcher.unwatch(&directory)); // it may no longer exist
        }
        let new: Vec<PathBuf> = wanted.difference(&self.directories).cloned().collect();
        new.into_iter().filter(|directory| self.watch(directory.clone())).count() > 0
    }

    fn watch(&mut self, directory: PathBuf) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        match watcher.watch(&directory, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.unwatchable.remove(&directory);
                self.directories.insert(directory)
            }
            Err(error) => {
                let path = directory.display().to_string();
                if self.unwatchable.insert(directory) {
                    tracing::warn!(path, %error, "cannot watch a directory: send SIGHUP to reload settings that changed in it");
                }
                false
            }
        }
    }
}

/// Returns the directory of the file, and of its target if it is a link.
fn directories(file: &Path) -> impl Iterator<Item = PathBuf> {
    let parent = match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new(".").canonicalize().ok(),
        path => path.and_then(|parent| parent.canonicalize().ok()),
    };
    let of_target = file.canonicalize().ok().and_then(|file| file.parent().map(Path::to_owned));
    parent.into_iter().chain(of_target)
}
