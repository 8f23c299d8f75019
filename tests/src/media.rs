//! Damaged recordings by the thousand, through a real engine process. In: how many, and a seed that makes them the same
//! ones each time. Out: a [`report::Report`] of what became of them, format by format. What is a finding, and what the
//! promise is, stands in [`campaign`].

pub mod campaign;
pub mod mutate;
pub mod report;
pub mod seeds;
