//! The wire contract: committed schemas, fixtures that must parse for ever, laws of the parser, and a page for every code.

#[cfg(test)]
mod drift;
#[cfg(test)]
mod error_pages;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod validator;
