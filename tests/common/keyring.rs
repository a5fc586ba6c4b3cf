//! Tests that need a keyring: each runs again in a session of its own that has one.

use std::process::Command;

use deskhand::config::env;

/// Tells whether this process runs in a state of the rig. If not, runs the test there, in a
/// process of its own, and passes on how it went.
pub(crate) fn is_in(state: &str, test: &str) -> bool {
    if env::var("DESKHAND_KEYRING_RIG").as_deref() == Some(state) {
        return true;
    }
    let rig = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rigs/keyring.sh");
    let ran = Command::new(rig)
        .arg(state)
        .arg(std::env::current_exe().expect("a test has a file"))
        .args(["--ignored", "--exact", test, "--test-threads=1"])
        .output()
        .expect("tests/rigs/keyring.sh is there");
    let said = String::from_utf8_lossy(&ran.stdout);
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success() && said.contains("1 passed"),
        "{state}: {said}\n{complaint}"
    );
    false
}
