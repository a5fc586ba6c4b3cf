//! The one place that reads the environment; everyone else is handed what it found.

use std::path::PathBuf;

/// Returns a variable of the environment, if it is set and is text.
#[expect(
    clippy::disallowed_methods,
    reason = "the one reader of the environment"
)]
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns a variable that holds a path, if it is set and not empty.
pub fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Returns the login name, for an agent whom the config does not name.
pub fn login_name() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(var)
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty() && !name.contains(char::is_control))
}

/// Returns the person's editor as a command line: `$VISUAL`, else `$EDITOR`.
pub fn editor() -> Option<Vec<String>> {
    ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(var)
        .filter_map(|line| shlex::split(&line))
        .find(|words| !words.is_empty())
}

/// Tells whether the person wants no colour (<https://no-color.org>): set and not empty.
pub fn wants_no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
