//! The installed PostgreSQL: its programs, the user that runs them, and data directories for servers.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory in which Debian's package installs its programs, by version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// The user that Debian's package creates.
pub(super) const USER: &str = "postgres";

/// The directory with initialised data directories, which are copied because `initdb` takes seconds.
const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");

/// The latest installed version.
pub(super) struct Installation {
    /// The directory with the programs.
    bin: PathBuf,
    /// The user that servers run as, if the test runs as root: PostgreSQL refuses to run as root.
    user: Option<Ids>,
}

#[derive(Clone, Copy)]
struct Ids {
    user: u32,
    group: u32,
}

impl Installation {
    /// Returns the latest installed version, if there is one.
    pub(super) fn find() -> Option<Self> {
        let version =
            |dir: &PathBuf| dir.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
        let dirs = fs::read_dir(INSTALLED).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let mut versions: Vec<_> = dirs.filter_map(|dir| Some((version(&dir)?, dir.join("bin")))).collect();
        versions.sort();
        let bin = versions.into_iter().rev().map(|(_, bin)| bin).find(|bin| bin.join("initdb").exists())?;
        let user = rustix::process::geteuid().is_root().then(Ids::of_package);
        Some(Self { bin, user })
    }

    /// Returns a command that runs `program` in `dir`.
    pub(super) fn command(&self, program: &str, dir: &Path) -> Command {
        let program = self.bin.join(program);
        let mut command = match self.user {
            None => Command::new(program),
            Some(Ids { user, group }) => {
                let mut command = Command::new("setpriv");
                let ids =
                    [format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()];
                command.args(ids).arg(program);
                command
            }
        };
        command.current_dir(dir);
        command
    }

    /// Gives `path` to the user that servers run as.
    pub(super) fn own(&self, path: &Path) {
        if let Some(Ids { user, group }) = self.user {
            chown(path, Some(user), Some(group)).expect("root may do that");
        }
    }

    /// Creates the data directory `data` in `dir`, as a copy of an earlier one if possible: `initdb` takes seconds.
    pub(super) fn create_data(&self, data: &Path, dir: &Path) {
        let version = self.bin.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or("any");
        let template = Path::new(TEMPLATES).join(format!("postgres-{version}"));
        if copied(&template, data) {
            return;
        }
        let mut initdb = self.command("initdb", dir);
        initdb.args(["--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--username", USER, "--pgdata"]).arg(data);
        let done = initdb.output().expect("initdb starts");
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
        // Several processes may do this at once: each renames its own copy, and one of them succeeds.
        let mine = template.with_extension(std::process::id().to_string());
        if !copied(data, &mine) || fs::rename(&mine, &template).is_err() {
            let _ = fs::remove_dir_all(mine);
        }
    }

    /// Creates a self-signed certificate that names `localhost`, and its key.
    pub(super) fn create_certificate(&self, certificate: &Path, key: &Path) {
        let mut openssl = Command::new("openssl"); // a dependency of the PostgreSQL package
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
        let made = openssl.arg("-keyout").arg(key).arg("-out").arg(certificate).output();
        let made = made.expect("openssl starts");
        assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
        for path in [certificate, key] {
            self.own(path);
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
        }
    }
}

impl Ids {
    fn of_package() -> Self {
        let id = |flag: &str| {
            let output = Command::new("id").args([flag, USER]).output().expect("id starts");
            String::from_utf8_lossy(&output.stdout).trim().parse().expect("the user postgres")
        };
        Self { user: id("-u"), group: id("-g") }
    }
}

/// Copies a directory with its owners and modes, and returns whether that succeeded.
fn copied(from: &Path, to: &Path) -> bool {
    let copy = || Command::new("cp").arg("-a").args([from, to]).stderr(Stdio::null()).status();
    from.exists() && copy().is_ok_and(|status| status.success())
}
