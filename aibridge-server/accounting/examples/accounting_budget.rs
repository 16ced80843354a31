//! Charges a user for responses until the budget in the settings admits nothing more.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_accounting::{Accounting, UnrecordedUsage};
use aibridge_config::{Environment, Sources};
use aibridge_intercept::Actor;
use aibridge_intercept::events::NoopEventSink;
use aibridge_intercept::observer::Usage;
use aibridge_recorder::CredentialKind;
use jiff::Timestamp;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

const SETTINGS: &str = r#"
[[provider]]
type = "openai"
[[budget]]
scope = "user"
match = "*"
amount = "0.50 USD"
period = "day"
"#;

/// The settings of this example name neither variables nor files.
struct EmptyEnvironment;

impl Environment for EmptyEnvironment {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = Some(("example.toml".into(), SETTINGS.to_owned()));
    let config = aibridge_config::load(&Sources { file, ..Sources::default() }, &EmptyEnvironment)?;
    let accounting = Accounting::new(&config, Arc::new(NoopEventSink), Timestamp::now());
    let (actor, credential) =
        (Actor { id: "ada".to_owned(), ..Actor::anonymous() }, CredentialKind::Centralized);
    let usage = Usage { input: 100_000, output: 5_000, ..Usage::default() };
    while let Ok(()) = accounting.check(&actor, "openai", credential) {
        let model = Some("gpt-5");
        accounting.charge(&UnrecordedUsage {
            provider: "openai",
            actor: &actor,
            credential,
            model,
            usage: &usage,
        });
        let spent = accounting.spent_by(&actor.id, Timestamp::now());
        println!("a response of {} tokens: {spent:?}", usage.total());
    }
    for refusal in accounting.refusals_of(&actor.id) {
        println!("refused: {}", refusal.refusal);
    }
    Ok(())
}
