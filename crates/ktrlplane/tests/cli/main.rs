//! The binary as its users meet it: started as a process, with arguments, files and an environment
//! of its own.

mod harness;

mod config;
mod demo;
mod scope;
mod serve;
