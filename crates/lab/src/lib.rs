//! Deterministic worlds: one clock, one seed, links, nodes and checkers.
