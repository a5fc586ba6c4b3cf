//! Keys in a real Secret Service. Each test runs in a state that `tests/rigs/keyring.sh` makes, in
//! a session and a home of its own: a person's keyring is never touched.
#![expect(clippy::expect_used, reason = "a test may panic")]

#[path = "common/keyring.rs"]
mod keyring;

use std::process::Command;

use deskhand::{
    domain::{KeySource, ProviderName},
    secrets::{Patience, Vault, VaultError},
};
use secrecy::{ExposeSecret as _, SecretString};

const KEY: &str = "sk-rig-0123456789";

fn provider() -> ProviderName {
    ProviderName("anthropic".to_owned())
}

async fn get(vault: &Vault) -> Result<Option<String>, VaultError> {
    let patience = Patience::of_a_command();
    let key = vault
        .get(&provider(), &KeySource::Keyring, &patience)
        .await?;
    Ok(key.map(|key| key.expose_secret().to_owned()))
}

async fn set(vault: &Vault, key: &str) -> Result<(), VaultError> {
    let patience = Patience::of_a_command();
    vault
        .set(&provider(), SecretString::from(key), &patience)
        .await
}

#[tokio::test]
#[ignore = "needs a Secret Service: tests/run starts one"]
async fn unlocked_a_key_is_stored_read_changed_and_removed() {
    if !keyring::is_in(
        "unlocked",
        "unlocked_a_key_is_stored_read_changed_and_removed",
    ) {
        return;
    }
    let vault = Vault::new(|_| None);
    let patience = Patience::of_a_command();

    assert_eq!(get(&vault).await, Ok(None));
    assert_eq!(set(&vault, KEY).await, Ok(()));
    assert_eq!(get(&vault).await, Ok(Some(KEY.to_owned())));
    assert_eq!(set(&vault, "sk-rig-other").await, Ok(()));
    assert_eq!(get(&vault).await, Ok(Some("sk-rig-other".to_owned())));
    let listed = Command::new("secret-tool")
        .args(["lookup", "service", "deskhand", "username", "anthropic"])
        .output();
    if let Ok(listed) = listed {
        assert_eq!(
            String::from_utf8_lossy(&listed.stdout).trim(),
            "sk-rig-other"
        );
    }
    assert_eq!(vault.remove(&provider(), &patience).await, Ok(true));
    assert_eq!(vault.remove(&provider(), &patience).await, Ok(false));
    assert_eq!(get(&vault).await, Ok(None));
}

#[tokio::test]
#[ignore = "needs a Secret Service: tests/run starts one"]
async fn unlocked_eight_at_once_are_all_answered() {
    if !keyring::is_in("unlocked", "unlocked_eight_at_once_are_all_answered") {
        return;
    }
    let vault = Vault::new(|_| None);
    let patience = Patience::of_a_command();

    let calls = (0..8).map(|number| {
        let (vault, patience) = (vault.clone(), patience.clone());
        async move {
            let provider = ProviderName(format!("provider{number}"));
            let key = format!("sk-rig-key-{number}");
            let secret = SecretString::from(key.as_str());
            vault.set(&provider, secret, &patience).await?;
            let read = vault.get(&provider, &KeySource::Keyring, &patience).await?;
            Ok::<bool, VaultError>(read.is_some_and(|read| read.expose_secret() == key))
        }
    });
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer, Ok(true));
    }
}

#[tokio::test]
#[ignore = "needs a Secret Service: tests/run starts one"]
async fn locked_is_said_and_what_to_paste() {
    if !keyring::is_in("locked", "locked_is_said_and_what_to_paste") {
        return;
    }
    let vault = Vault::new(|_| None);

    let error = set(&vault, KEY)
        .await
        .expect_err("a locked keyring takes no key");

    assert_eq!(error, VaultError::Locked);
    assert!(
        error
            .advice("anthropic")
            .contains("gnome-keyring-daemon --unlock")
    );
    assert!(!format!("{error} {error:?}").contains(KEY));
}

#[tokio::test]
#[ignore = "needs a Secret Service: tests/run starts one"]
async fn without_a_collection_there_is_no_key_and_none_is_taken() {
    if !keyring::is_in(
        "empty",
        "without_a_collection_there_is_no_key_and_none_is_taken",
    ) {
        return;
    }
    let vault = Vault::new(|_| None);

    assert_eq!(get(&vault).await, Ok(None));
    match set(&vault, KEY).await {
        Err(VaultError::NoCollection | VaultError::Locked) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs a Secret Service: tests/run starts one"]
async fn without_a_bus_the_answer_is_quick_and_clear() {
    if !keyring::is_in("none", "without_a_bus_the_answer_is_quick_and_clear") {
        return;
    }
    let vault = Vault::new(|_| None);

    for answer in [get(&vault).await.map(|_| ()), set(&vault, KEY).await] {
        let error = answer.expect_err("there is no keyring");
        assert!(matches!(error, VaultError::NoKeyring { .. }), "{error}");
        assert!(error.advice("anthropic").contains("${ANTHROPIC_API_KEY}"));
    }
}

/// Runs the program in a folder of its own; returns its exit code and all it said.
fn program(home: &std::path::Path, args: &[&str], stdin: &str) -> (Option<i32>, String) {
    use std::{io::Write as _, process::Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_deskhand"))
        .arg("--data")
        .arg(home)
        .args(args)
        .env_remove("DESKHAND_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(stdin.as_bytes()).expect("it reads");
    drop(pipe);
    let ran = child.wait_with_output().expect("it ends");
    let said = [ran.stdout, ran.stderr].concat();
    (
        ran.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test]
#[ignore = "needs a Secret Service: tests/run starts one"]
async fn a_key_that_went_from_the_keyring_is_missed() {
    if !keyring::is_in("unlocked", "a_key_that_went_from_the_keyring_is_missed") {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let set = program(
        home.path(),
        &["keys", "set", "anthropic", "--no-verify"],
        &format!("{KEY}\n"),
    );
    assert_eq!(set.0, Some(0), "{}", set.1);
    let vault = Vault::new(|_| None);
    assert_eq!(get(&vault).await, Ok(Some(KEY.to_owned())));
    assert_eq!(
        vault.remove(&provider(), &Patience::of_a_command()).await,
        Ok(true)
    );

    let tested = program(home.path(), &["keys", "test", "anthropic"], "");
    let doctor = program(home.path(), &["doctor"], "");

    assert_eq!(tested.0, Some(1), "{}", tested.1);
    assert!(tested.1.contains("There is no key of `anthropic`"));
    assert!(tested.1.contains("deskhand keys set anthropic"));
    assert_eq!(doctor.0, Some(1), "{}", doctor.1);
    assert!(doctor.1.contains("no longer in your keyring"));
    assert!(!format!("{}{}{}", set.1, tested.1, doctor.1).contains(KEY));
}
