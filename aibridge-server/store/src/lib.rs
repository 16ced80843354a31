//! The Recorder on SQLite, and gateway tokens
