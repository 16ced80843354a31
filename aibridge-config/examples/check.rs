//! Checks a settings file, and prints the resolved settings without secrets, or all problems.
//!
//! `cargo run -p aibridge-config --example check -- aibridge.toml`
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "an example reads its environment and prints what it finds"
)]

use aibridge_config::{Environment, Sources, load};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
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

fn main() -> ExitCode {
    let path = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "aibridge.toml".to_owned()));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("cannot read {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let sources = Sources { file: Some((path, text)), ..Sources::default() };
    match load(&sources, &ProcessEnvironment) {
        Ok(config) => {
            println!("{}", config.to_masked_toml());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
