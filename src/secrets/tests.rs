//! What the vault promises, with a keyring in memory and with one that never answers.

use std::sync::{Mutex, mpsc};

use super::*;

const KEY: &str = "sk-test-4711-very-secret";

fn provider() -> ProviderName {
    ProviderName("anthropic".to_owned())
}

fn nothing(_: &str) -> Option<String> {
    None
}

/// A keyring that waits for a password that nobody types.
struct Stuck(Mutex<mpsc::Receiver<()>>);

impl Stuck {
    fn wait<T>(&self) -> Result<T, VaultError> {
        drop(self.0.lock().map(|never| never.recv()));
        Err(VaultError::Locked)
    }
}

impl SecretStore for Stuck {
    fn get(&self, _: &str) -> Result<Option<SecretString>, VaultError> {
        self.wait()
    }
    fn set(&self, _: &str, _: &SecretString) -> Result<(), VaultError> {
        self.wait()
    }
    fn remove(&self, _: &str) -> Result<bool, VaultError> {
        self.wait()
    }
}

#[tokio::test]
async fn a_key_is_stored_read_and_removed() {
    let vault = Vault::in_memory(nothing);
    let patience = Patience::of_a_command();
    let read = async || {
        let key = vault.get(&provider(), &KeySource::Keyring, &patience).await;
        key.unwrap().map(|key| key.expose_secret().to_owned())
    };

    assert_eq!(read().await, None);
    let key = SecretString::from(format!("  {KEY}\n"));
    vault.set(&provider(), key, &patience).await.unwrap();
    assert_eq!(read().await.as_deref(), Some(KEY));
    assert!(vault.remove(&provider(), &patience).await.unwrap());
    assert!(!vault.remove(&provider(), &patience).await.unwrap());
    assert_eq!(read().await, None);
}

/// As a command's, a hundred times shorter.
fn short() -> Patience {
    Patience {
        waiting_after: WAITING_AFTER / 100,
        limit: Some(GIVE_UP_AFTER / 100),
        on_waiting: Arc::new(|| {}),
    }
}

#[tokio::test]
async fn a_command_is_told_that_it_waits_and_then_gives_up() {
    let (_end, never) = mpsc::channel();
    let vault = Vault::over(Arc::new(Stuck(Mutex::new(never))), Arc::new(nothing));
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let patience = short().telling(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });

    let error = vault
        .get(&provider(), &KeySource::Keyring, &patience)
        .await
        .unwrap_err();

    assert!(matches!(error, VaultError::NoAnswer), "{error}");
    assert_eq!(told.load(Ordering::SeqCst), 1);
    assert_eq!(
        Patience::of_a_command().limit,
        Some(Duration::from_secs(10))
    );
}

#[tokio::test]
async fn the_screen_waits_until_it_is_dropped_and_stuck_calls_have_a_limit() {
    let (_end, never) = mpsc::channel();
    let vault = Vault::over(Arc::new(Stuck(Mutex::new(never))), Arc::new(nothing));
    for _ in 0..CALLS_AT_ONCE {
        let patience = Patience {
            limit: None,
            ..short()
        };
        let (provider, source) = (provider(), KeySource::Keyring);
        let call = vault.get(&provider, &source, &patience);
        assert!(timeout(Duration::from_millis(100), call).await.is_err());
    }

    let patience = Patience::of_the_screen(|| {});
    let error = vault.remove(&provider(), &patience).await.unwrap_err();

    assert!(matches!(error, VaultError::NoAnswer), "{error}");
}

#[tokio::test]
async fn what_is_no_key_is_refused_without_repeating_it() {
    let vault = Vault::in_memory(nothing);
    let patience = Patience::of_a_command();
    for wrong in ["", " \n", "two words", "kéy", "line\nline", "\u{1b}[31mred"] {
        let given = SecretString::from(wrong);
        let error = vault.set(&provider(), given, &patience).await.unwrap_err();
        assert!(matches!(error, VaultError::NotAKey { .. }), "{wrong:?}");
    }
}

#[tokio::test]
async fn the_environment_is_what_was_handed_in() {
    let vault = Vault::in_memory(|name| (name == "HERE").then(|| KEY.to_owned()));
    let patience = Patience::of_a_command();
    let get = async |name: &str| {
        let source = KeySource::Env(name.to_owned());
        vault.get(&provider(), &source, &patience).await
    };

    let key = get("HERE").await.unwrap().unwrap();
    let error = get("AWAY").await.unwrap_err();

    assert_eq!(key.expose_secret(), KEY);
    assert!(error.to_string().contains("AWAY"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn core_files_are_switched_off_before_a_key_is_read() {
    use rustix::process::{Resource, getrlimit};
    let vault = Vault::in_memory(nothing);

    let source = KeySource::NotNeeded;
    let none = vault
        .get(&provider(), &source, &Patience::of_a_command())
        .await;

    assert!(none.unwrap().is_none());
    assert_eq!(getrlimit(Resource::Core).current, Some(0));
}

#[tokio::test]
async fn no_debug_print_and_no_error_holds_a_key() {
    let vault = Vault::in_memory(|_| Some(format!("{KEY} {KEY}")));
    let patience = Patience::of_a_command();
    let secret = SecretString::from(KEY);
    let source = KeySource::Env("X".to_owned());
    let from_environment = vault
        .get(&provider(), &source, &patience)
        .await
        .unwrap_err();
    let words = ["sh", "-c", &format!("echo '{KEY} {KEY}'")].map(str::to_owned);
    let source = KeySource::Command(words.to_vec());
    let from_command = vault
        .get(&provider(), &source, &patience)
        .await
        .unwrap_err();
    let bad = keyring::translate(&keyring_core::Error::BadEncoding(KEY.as_bytes().to_vec()));
    let worse = keyring::translate(&keyring_core::Error::BadDataFormat(
        KEY.as_bytes().to_vec(),
        KEY.into(),
    ));

    let mut shown = format!("{vault:?} {secret:?} {}", fingerprint(&secret, "https://x"));
    for error in [from_environment, from_command, bad, worse] {
        shown = format!("{shown} {error} {error:?} {}", error.advice("anthropic"));
    }

    assert!(!shown.contains("4711"), "{shown}");
}
