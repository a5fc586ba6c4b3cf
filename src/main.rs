//! Parses the command line, runs it, and leaves with its exit code.

fn main() {}
