//! Validates the sections `[limits]` and `[store]` of two settings files, and prints their values or every problem.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_sections::limits::{self, RawLimits};
use aibridge_sections::store::{self, RawStore};
use aibridge_values::report::Report;
use figment::Figment;
use serde::Deserialize;
use std::error::Error;

const VALID: &str = r#"
[limits]
requests_per_minute = 60
header_timeout = "10s"
[store]
url = "sqlite:records.db"
durability = "power"
"#;

const INVALID: &str = r#"
[limits]
max_header_bytes = 0
[store]
url = "mysql://localhost/records"
durability = "always"
"#;

/// The two sections of a settings file.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    limits: RawLimits,
    store: RawStore,
}

fn main() -> Result<(), Box<dyn Error>> {
    for text in [VALID, INVALID] {
        let file: File = toml::from_str(text)?;
        // Without the layers of the settings, problems have no source.
        let layers = Figment::new();
        let mut report = Report::new(&layers, Vec::new());
        let limits = limits::resolve(&file.limits, &mut report);
        let store = store::resolve(&file.store, &mut report);
        if let (Some(limits), Some(store)) = (limits, store) {
            println!("{limits:#?}\n{store:#?}");
        }
        for problem in report.finish() {
            println!("{}: {}", problem.setting.unwrap_or_default(), problem.message);
        }
    }
    Ok(())
}
