//! The engine: a child process that decodes and recognises, apart from the broker connection and the credentials.
//! ggml aborts on its own assertions and decoders read hostile input, so what dies here is a child and never the worker.
//! [`Engine`] is the service's side; [`child`] is what runs in the process.

pub mod child;
mod confine;
mod death;
pub mod frame;
mod host;
pub mod mute;
mod process;
mod sandbox;
pub mod self_test;

pub(crate) use confine::leave_no_core;
pub use death::EXIT_REFUSED;
pub use host::{Company, Engine, EngineFault, RunEnd, RunRequest};
pub use process::{EngineSettings, RecognizerSource};
