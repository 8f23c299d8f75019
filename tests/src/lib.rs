//! Servers and faults for the integration tests, and the development S3 API.

pub mod proxy;
pub mod s3;
