//! Dumps show what went to the provider and what came back, and nothing of a credential.

use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Answer, Received};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod disk;
mod exact;
mod failing;
mod model_names;
mod secrets;
mod streamed;

/// A gateway that dumps its one provider's traffic.
struct Dumping {
    gateway: Harness,
    dir: TempDir,
}

/// Contents by path below the folder of the settings.
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

    /// All that there is when the gateway has stopped.
    async fn stop(self) -> Files {
        self.gateway.stop().await;
        files(self.dir.path())
    }

    /// What the paths of `answer`'s dump begin with, for the model `m`.
    fn begin(&self, answer: &Answer) -> String {
        let id = answer.header("x-aibridge-interception-id").unwrap();
        let row = self.gateway.store.interception(id).unwrap();
        let started: Timestamp = row["started_at"].as_str().unwrap().parse().unwrap();
        format!("openai/m/{}-{id}", started.as_millisecond())
    }
}

fn settings(base_url: &str, keys: &[&str], dir: &Path) -> String {
    format!("{}api_dump_dir = {:?}\n", provider_settings(base_url, keys), dir.display().to_string())
}

fn paths(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in dir.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(paths(&path));
        }
        found.push(path);
    }
    found
}

fn files(dir: &Path) -> Files {
    let all = paths(dir).into_iter().filter(|path| path.is_file());
    let named = |path: PathBuf| {
        let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
        (name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned())
    };
    all.map(named).collect()
}

/// What a dump should have of a request that the provider received so.
fn as_dumped(received: &Received, key: &str, hint: &str) -> String {
    let head = String::from_utf8(received.raw_head.to_vec()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let first = lines.next().unwrap();
    let mut headers: Vec<&str> = lines.collect();
    headers.sort_by_key(|line| line.split(':').next());
    let head = format!("{first}\r\n{}\r\n\r\n", headers.join("\r\n")).replace(key, hint);
    head + &String::from_utf8_lossy(&received.body)
}

/// What the names of the files end in, in the order of their paths.
fn kinds(files: &Files) -> Vec<&str> {
    files.keys().map(|path| path.split_once('.').unwrap().1).collect()
}
