//! Parses the command line, runs it, and leaves with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    deskhand::cli::main(std::env::args_os())
}
