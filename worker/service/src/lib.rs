//! The service: takes jobs from the broker, runs the engine over their recordings, stores results and tells of them.

pub mod admin;
pub mod broker;
pub mod cli;
pub mod config;
pub mod engine;
pub mod exit;
pub mod job;
pub mod lanes;
pub mod layout;
pub mod metrics;
pub mod recognise;
pub mod redact;
pub mod rescore;
pub mod results;
pub mod rules;
pub mod settle;
pub mod spec;
pub mod store;
pub mod submit;
pub mod telemetry;
pub mod topology;
pub mod worker;
