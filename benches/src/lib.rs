//! What several benches share.

pub mod archive;
pub mod calls;
