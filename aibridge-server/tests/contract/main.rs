//! Contract tests: the real server against a scripted provider, compared byte by byte and row by row.

mod harness;
mod thinnest;
