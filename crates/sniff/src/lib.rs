//! The sniffing job: packets from a file, a pipe or an interface in; lines for people or for machines out.

mod aside;
mod data;
mod escape;
mod job;
mod json;
mod keys;
mod mask;
mod summary;
mod text;

pub use job::{Done, FailOn, Format, Options, SniffError, Source, sniff};
