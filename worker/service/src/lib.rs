//! The service: takes jobs from the broker, runs the engine over their recordings, stores results and tells of them.

pub mod admin;
pub mod audit;
pub mod broker;
pub mod cli;
pub mod config;
pub mod dlq;
pub mod engine;
pub mod exit;
pub mod job;
pub mod lanes;
pub mod layout;
pub mod metrics;
pub mod purge;
pub mod recognise;
pub mod results;
pub mod rules;
pub mod settle;
pub mod signing;
pub mod spec;
pub mod store;
pub mod submit;
pub mod telemetry;
pub mod tombstone;
pub mod topology;
pub mod worker;
