//! The vendors of model APIs as data.
//!
//! A dialect is code, a vendor is data: each vendor is one row of [`PRESETS`], and the settings of a provider start from
//! a row. Settings can override every value of it. This crate has no dependencies, so that the settings can read it.
//!
//! ```
//! let preset = aibridge_presets::find("openrouter").expect("a known vendor");
//! assert_eq!(preset.base_url, Some("https://openrouter.ai/api/v1/"));
//! ```

pub mod bridged;
pub mod passthrough;
mod preset;
mod table;

pub use preset::{Preset, UsageChunk};
pub use table::{PRESETS, default_of, find};
