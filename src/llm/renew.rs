//! A key that is over: asked for anew, once per call.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use secrecy::SecretString;

type Asked = Pin<Box<dyn Future<Output = Option<SecretString>> + Send>>;

/// The way to a fresh key when one is refused that may only be over: an access token lasts an hour.
#[derive(Clone)]
pub struct Renew(Arc<dyn Fn() -> Asked + Send + Sync>);

impl Renew {
    /// Makes it of what asks; that returns nothing where a new key would be no better.
    pub fn new<F, A>(ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Option<SecretString>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    /// Asks.
    pub(super) async fn ask(&self) -> Option<SecretString> {
        (self.0)().await
    }
}

impl fmt::Debug for Renew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renew")
    }
}
