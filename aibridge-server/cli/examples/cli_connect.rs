//! Prints the variables and arguments with which each agent uses a gateway that needs access tokens.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_cli::launch::{Agent, Setup, Target, UserSetup, connect};
use aibridge_config::{Environment, Sources};
use std::error::Error;
use std::io::{self, stdout};
use std::path::Path;

const SETTINGS: &str = r#"
[auth]
mode = "tokens"
[[provider]]
type = "openai"
keys = ["sk-example-0123456789"]
[[provider]]
type = "anthropic"
"#;

/// The settings of this example name neither variables nor files.
struct EmptyEnvironment;

impl Environment for EmptyEnvironment {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = Some(("example.toml".into(), SETTINGS.to_owned()));
    let config = aibridge_config::load(&Sources { file, ..Sources::default() }, &EmptyEnvironment)?;
    for agent in Agent::NAMED {
        let target = Target::new(&config, agent, None, "http://127.0.0.1:8080".into())?;
        let target = target.with_token_variable(&config);
        let setup = Setup::new(agent, &target, UserSetup::default());
        println!("# {agent:?}");
        connect(agent, &setup, target.token.is_some(), &mut stdout())?;
        println!();
    }
    Ok(())
}
