//! What several benches share.

pub mod archive;
