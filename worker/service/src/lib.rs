//! The parts of the worker, for its binary and the integration tests.

pub mod broker;
pub mod config;
pub mod settle;
pub mod store;
pub mod topology;
