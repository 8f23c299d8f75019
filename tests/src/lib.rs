//! Servers and faults for the integration tests, and the development S3 API.

pub mod proxy;
pub mod rabbit;
pub mod s3;
