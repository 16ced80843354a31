use notify::{Config, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Whoever replaces several files needs a moment: they are read together when it is over.
const GATHER: Duration = Duration::from_millis(100);

/// What is worth a look. On Linux the end of a write is, not each part of it: a file is never read half-written, and a
/// store that is written all the time in the same directory costs nothing.
#[cfg(target_os = "linux")]
const KINDS: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_NAME)
    .union(EventKindMask::ACCESS_CLOSE);
#[cfg(not(target_os = "linux"))]
const KINDS: EventKindMask = EventKindMask::CORE;

/// Watches the directories that files are in: files are replaced, by editors and by Kubernetes, and a watch on the
/// file would go with the old one.
pub(super) struct FileWatch {
    watcher: Option<RecommendedWatcher>,
    directories: BTreeSet<PathBuf>,
    /// Directories that were warned about.
    unwatched: BTreeSet<PathBuf>,
    stirred: Arc<Notify>,
}

impl FileWatch {
    /// Watches nothing yet.
    pub(super) fn new() -> Self {
        let stirred = Arc::new(Notify::new());
        let stir = stirred.clone();
        let on_event = move |_: notify::Result<notify::Event>| stir.notify_one();
        let watcher = RecommendedWatcher::new(on_event, Config::default().with_event_kinds(KINDS));
        let watcher = watcher.map_err(|error| {
            tracing::warn!(%error, "files cannot be watched: send SIGHUP to have changed settings read");
        });
        Self { watcher: watcher.ok(), directories: BTreeSet::new(), unwatched: BTreeSet::new(), stirred }
    }

    /// Waits until something has changed beside one of the files.
    pub(super) async fn changed(&self) {
        self.stirred.notified().await;
        tokio::time::sleep(GATHER).await;
    }

    /// Watches what is now at the paths of the directories, which may have been replaced themselves.
    pub(super) fn refresh(&mut self) {
        for directory in std::mem::take(&mut self.directories) {
            self.watch(directory);
        }
    }

    /// Watches the directories of these files and no others. Whether one of them was not watched before.
    pub(super) fn follow(&mut self, files: &[PathBuf]) -> bool {
        let wanted: BTreeSet<PathBuf> = files.iter().flat_map(|file| directories(file)).collect();
        let gone: Vec<PathBuf> = self.directories.difference(&wanted).cloned().collect();
        for directory in gone {
            self.directories.remove(&directory);
            let _ = self.watcher.as_mut().map(|watcher| watcher.unwatch(&directory)); // it may no longer be there
        }
        let new: Vec<PathBuf> = wanted.difference(&self.directories).cloned().collect();
        new.into_iter().filter(|directory| self.watch(directory.clone())).count() > 0
    }

    fn watch(&mut self, directory: PathBuf) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        match watcher.watch(&directory, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.unwatched.remove(&directory);
                self.directories.insert(directory)
            }
            Err(error) => {
                let path = directory.display().to_string();
                if self.unwatched.insert(directory) {
                    tracing::warn!(path, %error, "cannot be watched: send SIGHUP when settings in it have changed");
                }
                false
            }
        }
    }
}

/// Where the file is, and where it is in truth if it is a link.
fn directories(file: &Path) -> impl Iterator<Item = PathBuf> {
    let beside = match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new(".").canonicalize().ok(),
        parent => parent.and_then(|parent| parent.canonicalize().ok()),
    };
    let in_truth = file.canonicalize().ok().and_then(|file| file.parent().map(Path::to_owned));
    beside.into_iter().chain(in_truth)
}
