//! The gateway from outside: over TCP, with a directory, an issuer and backends around it.

mod harness;

mod requests;
