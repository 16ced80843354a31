//! Tests of loading as a whole.

mod any_file;
mod layers;
mod masked;
mod problems;

use super::load;
use crate::{Config, Environment, Sources};
use secrecy::ExposeSecret;
use std::io;
use std::path::Path;

/// The environment variables of a test, and one file.
struct TestEnvironment(&'static [(&'static str, &'static str)]);

impl Environment for TestEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        match path.to_str() {
            Some("/run/secrets/key") => Ok("sk-file\n".into()),
            Some("prices.toml") => Ok("[[price]]\nmodel = \"m\"\ninput = 1\noutput = 2".into()),
            Some("wrong.toml") => Ok("[[price]]\nmodel = \"m\"\ninput = -1".into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn file(text: &str) -> Sources {
    Sources { file: Some(("aibridge.toml".into(), text.into())), ..Sources::default() }
}

fn env(variables: &[(&str, &str)]) -> Sources {
    let env = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Sources { env, ..Sources::default() }
}

fn load_valid(sources: &Sources, environment: &TestEnvironment) -> Config {
    load(sources, environment).unwrap_or_else(|error| panic!("{error}"))
}

/// The problems of invalid settings, one per line.
fn load_problems(sources: &Sources, environment: &TestEnvironment) -> String {
    load(sources, environment).expect_err("a refusal").to_string()
}

fn keys(config: &Config, provider: usize) -> Vec<&str> {
    config.providers[provider].keys.iter().map(ExposeSecret::expose_secret).collect()
}
