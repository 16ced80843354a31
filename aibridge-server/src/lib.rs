//! Wires the crates together and serves.
