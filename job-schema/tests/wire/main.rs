//! The wire contract: committed schemas, fixtures that must parse for ever, laws of the parser, and a page for every code.

mod drift;
mod laws;
mod validator;
