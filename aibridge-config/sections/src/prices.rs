//! `[prices]`: the operator's own prices.

use aibridge_prices::{Overrides, PriceTable};
use aibridge_values::Environment;
use aibridge_values::report::Report;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The prices of models.
#[derive(Debug, Clone)]
pub struct Prices {
    /// The file with the operator's own prices; `None` for the bundled prices only.
    pub file: Option<PathBuf>,
    /// The text of the file, for detecting changes.
    text: String,
    /// The bundled prices, and before them those of the file.
    pub table: PriceTable,
}

impl PartialEq for Prices {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file && self.text == other.text
    }
}

impl Default for Prices {
    fn default() -> Self {
        Self { file: None, text: String::new(), table: PriceTable::built_in().clone() }
    }
}

/// The mirror of `[prices]`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawPrices {
    file: String,
}

impl From<&Prices> for RawPrices {
    fn from(prices: &Prices) -> Self {
        Self { file: prices.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default() }
    }
}

/// Validates `[prices]` and the file that it names. `None` if there is a problem.
pub fn resolve(raw: &RawPrices, environment: &dyn Environment, report: &mut Report<'_>) -> Option<Prices> {
    if raw.file.is_empty() {
        return Some(Prices::default());
    }
    report.keep("prices.file", read(&raw.file, environment))
}

fn read(file: &str, environment: &dyn Environment) -> Result<Prices, String> {
    let text = environment.read(Path::new(file)).map_err(|error| {
        format!("{file:?} cannot be read: {error}; write the path of a TOML file with prices")
    })?;
    let overrides = Overrides::parse(&text).map_err(|error| format!("{file:?} has mistakes: {error}"))?;
    Ok(Prices { file: Some(file.into()), text, table: PriceTable::with_overrides(overrides) })
}
