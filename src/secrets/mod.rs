//! The door to the keys: the OS keyring, the environment, a command. Never a file of ours.
