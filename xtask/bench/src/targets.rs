//! Starts every target that the figures compare.

use super::gateway::{Gateway, Mode};
use super::lab::Lab;
use super::nginx;
use super::target::Target;
use anyhow::Result;

/// Starts the direct target, nginx if it is installed, and the gateway in both modes.
pub(super) fn start(lab: &Lab) -> Result<Vec<Target>> {
    let mut targets = vec![lab.direct()];
    targets.extend(nginx::start(lab)?);
    for mode in [Mode::Relay, Mode::Governed] {
        targets.push(Gateway::new(mode).start(lab)?);
    }
    Ok(targets)
}
