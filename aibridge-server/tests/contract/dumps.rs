//! Dumps of the traffic with a provider, without credentials.

use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{ReceivedRequest, Response};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod disk;
mod failures;
mod files;
mod model_names;
mod secrets;
mod streaming;

/// A gateway that dumps the traffic of its only provider.
struct Dumping {
    gateway: Harness,
    dir: TempDir,
}

/// File contents by path below the dump directory.
type Files = BTreeMap<String, String>;

impl Dumping {
    async fn start(base_url: &str, keys: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let settings = settings(base_url, keys, dir.path());
        Self { gateway: Harness::start(&settings).await, dir }
    }

    fn now(&self) -> Files {
        files(self.dir.path())
    }

    /// Stops the gateway and returns all files.
    async fn stop(self) -> Files {
        self.gateway.stop().await;
        files(self.dir.path())
    }

    /// The path prefix of the dump of `response`, for the model `m`.
    fn begin(&self, response: &Response) -> String {
        let id = response.header("x-aibridge-interception-id").unwrap();
        let row = self.gateway.store.interception(id).unwrap();
        let started: Timestamp = row["started_at"].as_str().unwrap().parse().unwrap();
        format!("openai/m/{}-{id}", started.as_millisecond())
    }
}

fn settings(base_url: &str, keys: &[&str], dir: &Path) -> String {
    format!("{}api_dump_dir = {:?}\n", provider_settings(base_url, keys), dir.display().to_string())
}

fn paths(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in dir.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(paths(&path));
        }
        files.push(path);
    }
    files
}

fn files(dir: &Path) -> Files {
    let all = paths(dir).into_iter().filter(|path| path.is_file());
    let named = |path: PathBuf| {
        let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
        (name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned())
    };
    all.map(named).collect()
}

/// The expected dump of a request that the provider received.
fn request_dump(received: &ReceivedRequest, key: &str, hint: &str) -> String {
    let head = String::from_utf8(received.raw_head.to_vec()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let first = lines.next().unwrap();
    let mut headers: Vec<&str> = lines.collect();
    headers.sort_by_key(|line| line.split(':').next());
    let head = format!("{first}\r\n{}\r\n\r\n", headers.join("\r\n")).replace(key, hint);
    head + &String::from_utf8_lossy(&received.body)
}

/// The suffixes of the file names, in the order of their paths.
fn kinds(files: &Files) -> Vec<&str> {
    files.keys().map(|path| path.split_once('.').unwrap().1).collect()
}
