//! The command line: every act of the desk, for people and for scripts.
