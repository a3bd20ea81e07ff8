//! No bytes in a data directory make the store that reads them panic, hang or take memory without
//! end. The checksums are left out where they would keep the fuzzer from what is behind them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| embedded::store::read_anything(bytes));
