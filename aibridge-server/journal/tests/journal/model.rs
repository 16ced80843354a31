//! A naive model of a disk. What was written is cached; a power loss keeps any sectors of what was not synced; after a
//! failed sync the disk forgets that it had anything to sync.

use aibridge_journal::{Disk, DiskFile, FileIdentity};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

const SECTOR: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct ModelDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since the directory was synced. The file system keeps their order.
    name_changes: Vec<NameChange>,
    faults: Faults,
    changes: u64,
}

/// The operations that fail next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The number of changes that succeed before `failing` changes fail. A failed write writes a part.
    pub(crate) healthy: u32,
    pub(crate) failing: u32,
    pub(crate) failing_syncs: u32,
    /// Whether files cannot grow.
    pub(crate) is_full: bool,
}

#[derive(Debug, Default)]
struct Inode {
    cached: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    /// The changes that a failed sync lost, and that no later sync writes.
    forgotten: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Len(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug)]
struct ModelFile {
    state: Arc<Mutex<State>>,
    inode: usize,
    /// Whether a sync failed: then no other may be tried.
    is_unsyncable: AtomicBool,
}

#[derive(Debug)]
struct Lock;

impl ModelDisk {
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// The number of changes that were made or tried.
    pub(crate) fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// The names and contents, as a process sees them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state.lock();
        state.names.iter().map(|(name, inode)| (name.clone(), state.inodes[*inode].cached.clone())).collect()
    }

    pub(crate) fn with_files(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::default();
        for (name, content) in files {
            let mut state = disk.state.lock();
            let inode = state.inodes.len();
            let (cached, durable) = (content.clone(), content.clone());
            state.inodes.push(Inode { cached, durable, ..Inode::default() });
            state.names.insert(name.clone(), inode);
            state.durable_names.insert(name.clone(), inode);
        }
        disk
    }

    /// Keeps what is durable, and of the rest whatever `random` chooses.
    pub(crate) fn lose_power(&self, mut random: u64) {
        let mut choose = |among: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % among
        };
        let mut state = self.state.lock();
        let kept = choose(state.name_changes.len() + 1);
        let changes: Vec<_> = state.name_changes.drain(..).take(kept).collect();
        for change in &changes {
            change.apply(&mut state.durable_names);
        }
        state.names = state.durable_names.clone();
        for inode in &mut state.inodes {
            let changes: Vec<_> = inode.forgotten.drain(..).chain(inode.unsynced.drain(..)).collect();
            for change in changes {
                for part in change.sectors() {
                    if choose(2) == 0 {
                        part.apply(&mut inode.durable);
                    }
                }
            }
            inode.cached = inode.durable.clone();
        }
        state.faults = Faults::default();
    }
}

impl State {
    /// Whether the next change fails.
    fn fails(&mut self) -> bool {
        self.changes += 1;
        let faults = &mut self.faults;
        if faults.healthy > 0 {
            faults.healthy -= 1;
            return false;
        }
        let fails = faults.failing > 0;
        faults.failing = faults.failing.saturating_sub(1);
        fails
    }

    fn change(&mut self, inode: usize, change: Change) {
        change.apply(&mut self.inodes[inode].cached);
        self.inodes[inode].unsynced.push(change);
    }

    fn change_name(&mut self, change: NameChange) -> io::Result<()> {
        if self.fails() {
            return Err(failure());
        }
        change.apply(&mut self.names);
        self.name_changes.push(change);
        Ok(())
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(offset, bytes) => {
                content.resize(content.len().max(offset + bytes.len()), 0);
                content[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Self::Len(len) => content.resize(*len, 0),
        }
    }

    /// The parts that reach the disk independently.
    fn sectors(self) -> Vec<Self> {
        let Self::Write(mut offset, mut bytes) = self else { return vec![self] };
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let rest = bytes.split_off(bytes.len().min(SECTOR - offset % SECTOR));
            let next = offset + bytes.len();
            parts.push(Self::Write(offset, bytes));
            (offset, bytes) = (next, rest);
        }
        parts
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Disk for ModelDisk {
    fn lock(&self) -> io::Result<Box<dyn Debug + Send + Sync>> {
        Ok(Box::new(Lock))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state.lock().names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.state.lock().names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(ModelFile::new(&self.state, inode)))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state.lock();
        let inode = state.inodes.len();
        state.change_name(NameChange::Set(name.to_owned(), inode))?;
        state.inodes.push(Inode::default());
        Ok(Arc::new(ModelFile::new(&self.state, inode)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        if !state.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Remove(name.to_owned()))
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.faults.failing_syncs > 0 {
            state.faults.failing_syncs -= 1;
            return Err(failure());
        }
        state.name_changes.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn identity(&self, name: &str) -> io::Result<Option<FileIdentity>> {
        Ok(self.state.lock().names.get(name).map(|inode| identity(*inode)))
    }
}

impl ModelFile {
    fn new(state: &Arc<Mutex<State>>, inode: usize) -> Self {
        Self { state: Arc::clone(state), inode, is_unsyncable: AtomicBool::new(false) }
    }
}

impl DiskFile for ModelFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().inodes[self.inode].cached.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state.lock();
        let rest = state.inodes[self.inode].cached.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        let grows = offset as usize + bytes.len() > state.inodes[self.inode].cached.len();
        if state.fails() || grows && state.faults.is_full {
            let part = if grows { 0 } else { bytes.len() * 2 / 3 };
            state.change(self.inode, Change::Write(offset as usize, bytes[..part].to_vec()));
            return Err(failure());
        }
        state.change(self.inode, Change::Write(offset as usize, bytes.to_vec()));
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.fails() {
            return Err(failure());
        }
        state.change(self.inode, Change::Len(len as usize));
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        if self.state.lock().faults.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let fails = state.faults.failing_syncs > 0;
        let had_failed = self.is_unsyncable.fetch_or(fails, Relaxed);
        assert!(!had_failed, "a file is synced again after a sync of it failed");
        state.faults.failing_syncs = state.faults.failing_syncs.saturating_sub(1);
        let Inode { unsynced, forgotten, durable, .. } = &mut state.inodes[self.inode];
        if fails {
            forgotten.append(unsynced);
            return Err(failure());
        }
        for change in unsynced.drain(..) {
            change.apply(durable);
        }
        Ok(())
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        Ok(identity(self.inode))
    }
}

fn identity(inode: usize) -> FileIdentity {
    FileIdentity { device: 1, inode: inode as u64 }
}

fn failure() -> io::Error {
    io::Error::other("the disk fails")
}
