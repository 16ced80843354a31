//! Contract tests: the real server against a scripted provider, compared byte by byte and row by row.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop"
)]

mod api;
mod auth;
mod azure_paths;
mod bad_input;
mod bad_settings;
mod cancel;
mod circuit_breaker;
mod commands;
mod connections;
mod crash;
mod dialects;
mod disconnects;
mod dumps;
mod durability;
mod early_ends;
mod early_refusals;
mod embeddings;
mod encode;
mod endpoints;
mod extraction;
mod failover;
mod faults;
mod framing;
mod further_routes;
mod golden;
mod harness;
mod headers;
mod health;
mod health_command;
mod isolation;
mod journal;
mod launcher;
mod limits;
mod listener;
mod lockstep;
mod logs;
mod messages;
mod metrics;
mod money;
mod odd_responses;
mod origin;
mod page;
mod passthrough;
mod path_spellings;
mod postgres;
mod presets;
mod readiness;
mod records;
mod reload;
mod retention;
mod retries;
mod secrets;
mod shutdown;
mod store_failures;
mod store_removed;
mod tls;
mod traces;
mod upstream_tls;
mod wire_cases;
mod wire_requests;
