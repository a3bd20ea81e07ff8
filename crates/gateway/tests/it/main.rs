//! The gateway from outside: over TCP, with a directory, an issuer and backends around it.

mod harness;

mod requests;

mod headers;

mod parameters;

mod identity;

mod keys;

mod permissions;

mod matrix;

mod errors;

mod answers;

mod raw;

mod health;

mod lifecycle;

mod secrets;
