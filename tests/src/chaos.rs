//! Faults on purpose. In: a seed. Out: what goes wrong and when, decided by pure functions of the seed, so that a run can
//! be had again: [`schedule`] for the fleet's hosts and broker, [`weather`] for each request to the store. [`link`] and
//! [`store_link`] are the proxies that do it. Names follow toxiproxy: latency, slicing, cut, stall, truncation, bit flip.

pub mod link;
pub mod schedule;
pub mod store_link;
pub mod weather;
