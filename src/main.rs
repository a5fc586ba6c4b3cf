//! Parses the command line, runs it, and leaves with its exit code.

use std::process::ExitCode;

/// The threads of a server free what others allocated, for which this one is made.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    deskhand::cli::main(std::env::args_os())
}
