//! Rules of this repository that no compiler lint can check: who may import what, how long a file may be, that every
//! error code has its page and every script its help. In: the source tree. Each failure names the file, the line and what
//! to do instead. Source: docs/ARCHITECTURE.md.

mod comparison;
mod documents;
mod imports;
mod scripts;
mod sources;
mod tree;

/// Fails with every violation at once.
fn check(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} violation(s):\n  {}\n",
        violations.len(),
        violations.join("\n  ")
    );
}
