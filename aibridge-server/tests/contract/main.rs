//! Contract tests: the real server against a scripted provider, compared byte by byte and row by row.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop"
)]

mod api;
mod auth;
mod bad_input;
mod bad_settings;
mod cancel;
mod circuit_breaker;
mod commands;
mod connections;
mod crash;
mod departures;
mod dialects;
mod dumps;
mod encode;
mod failover;
mod faults;
mod framing;
mod golden;
mod harness;
mod headers;
mod health;
mod health_command;
mod isolation;
mod limits;
mod listener;
mod lockstep;
mod logs;
mod metrics;
mod odd_answers;
mod origin;
mod passthrough;
mod postgres;
mod process;
mod promises;
mod readiness;
mod records;
mod refusals;
mod reload;
mod retention;
mod retries;
mod secrets;
mod shutdown;
mod spellings;
mod store_gone;
mod store_refuses;
mod thinnest;
mod tls;
mod traces;
mod unread;
mod ways;
mod wire_cases;
mod wire_from_clients;
mod wire_reading;
