//! What every `valor-shim` shares, whatever engine it carries.

pub mod control;
pub mod inspect;
pub mod one_shot;
pub mod program;
pub mod report;
pub mod sandbox;
pub mod serve;
pub mod turn;

/// The contract with valord, for the engines.
pub use valor_wire as wire;
