#![no_main]

use confscan_fuzz::any_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| any_bytes::dockerignore(bytes));
