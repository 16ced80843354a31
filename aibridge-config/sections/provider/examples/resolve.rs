//! Validates the providers of a settings file, and prints their routes or every problem:
//! `cargo run -p aibridge-provider-section --example resolve -- aibridge.toml`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example reads its environment and prints what it finds"
)]

use aibridge_provider_section::{RawProvider, resolve};
use aibridge_values::Environment;
use aibridge_values::report::Report;
use aibridge_values::secret::Secret;
use figment::Figment;
use serde::Deserialize;
use std::error::Error;
use std::path::Path;
use std::{env, fs, io};

/// The environment variables and files of the process.
struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        fs::read_to_string(path)
    }
}

/// The part of a settings file with the providers.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    provider: Vec<RawProvider<Secret>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("name a settings file")?;
    let file: File = toml::from_str(&fs::read_to_string(path)?)?;
    // Without the layers of the settings, problems have no source.
    let layers = Figment::new();
    let mut report = Report::new(&layers, Vec::new());
    for provider in resolve(file.provider, &ProcessEnvironment, &mut report).unwrap_or_default() {
        let (name, kind) = (&provider.name, provider.kind.as_str());
        println!("{name} ({kind}): {} -> {}", provider.route_prefix, provider.base_url);
    }
    for problem in report.finish() {
        println!("{}: {}", problem.setting.unwrap_or_default(), problem.message);
    }
    Ok(())
}
