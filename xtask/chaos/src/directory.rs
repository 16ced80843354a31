//! The directory of a scene: temporary, or a small file system of its own that a fault can fill.

use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The name of the file that fills the disk.
const BALLAST: &str = "ballast";

/// A directory that is removed when it is dropped.
pub(super) struct Directory {
    directory: TempDir,
    is_mounted: bool,
}

impl Directory {
    /// A directory on the usual disk.
    pub(super) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("aibridge-chaos-").tempdir()?;
        Ok(Self { directory, is_mounted: false })
    }

    /// A file system in memory of `bytes`. Only root may mount one.
    pub(super) fn small(bytes: u64) -> Result<Self> {
        let mut directory = Self::new()?;
        let options = format!("size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "aibridge-chaos"]).arg(directory.path());
        let status = mount.status().context("cannot start mount")?;
        ensure!(status.success(), "cannot mount a small file system: run as root, or leave out this fault");
        directory.is_mounted = true;
        Ok(directory)
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Fills all free space except `left` bytes.
    pub(super) fn fill(&self, left: u64) -> Result<()> {
        ensure!(self.is_mounted, "only a small file system is filled");
        let mut ballast = File::create(self.ballast())?;
        let piece = vec![0x5a; 64 * 1024];
        while match ballast.write_all(&piece) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::StorageFull => false,
            Err(error) => return Err(error.into()),
        } {}
        let length = ballast.metadata()?.len();
        ballast.set_len(length.saturating_sub(left))?;
        Ok(())
    }

    /// Gives back the space that [`Directory::fill`] took.
    pub(super) fn empty(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.path().join(BALLAST)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.is_mounted {
            // Lazily: a gateway that was just killed may still hold files.
            let _ = Command::new("umount").arg("-l").arg(self.path()).status();
        }
    }
}
