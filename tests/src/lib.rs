//! What end-to-end tests and benchmarks share: a place to run in, synthetic charts, chance.

pub mod charts;
pub mod dice;
pub mod gate;
pub mod memory_store;
pub mod place;
