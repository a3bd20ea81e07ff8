//! ktrlplane
fn main() {}
