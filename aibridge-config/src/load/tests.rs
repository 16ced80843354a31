mod any_file;
mod layers;
mod masked;
mod problems;

use super::load;
use crate::{Config, Environment, Sources};
use secrecy::ExposeSecret;
use std::io;
use std::path::Path;

/// The process variables of a test; there are no files but one.
struct World(&'static [(&'static str, &'static str)]);

impl Environment for World {
    fn var(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        match path.to_str() {
            Some("/run/secrets/key") => Ok("sk-file\n".into()),
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

fn good(sources: &Sources, world: &World) -> Config {
    load(sources, world).unwrap_or_else(|error| panic!("{error}"))
}

/// The problems, one a line.
fn bad(sources: &Sources, world: &World) -> String {
    load(sources, world).expect_err("a refusal").to_string()
}

fn keys(config: &Config, provider: usize) -> Vec<&str> {
    config.providers[provider].keys.iter().map(ExposeSecret::expose_secret).collect()
}
