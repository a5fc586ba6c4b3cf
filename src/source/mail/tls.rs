//! Private connections to mail servers.

use std::{fmt, io, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// What mail is spoken over.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Pipe for T {}

/// Why a connection did not become private.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTls {
    /// It broke on the way: the server may be starting. Trying again may mend it.
    Broke(String),
    /// The server is not trusted, or this side is not set up for it.
    Untrusted(String),
}

impl From<String> for NoTls {
    fn from(why: String) -> Self {
        Self::Untrusted(why)
    }
}

/// Makes a connection private: the certificate must bear the name and be trusted by the system
/// or by the file `ca`. The error says in words why it is not.
pub(super) async fn wrap(
    tcp: TcpStream,
    host: &str,
    ca: Option<&Path>,
) -> Result<Box<dyn Pipe>, NoTls> {
    let config = trusting(ca)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| format!("{host} is no name that a certificate can bear"))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| no_tls(&error))?;
    Ok(Box::new(stream))
}

/// Says in plain words how a connection broke: the words of rustls for one that was cut end with
/// a link to its manual for programmers.
pub(super) fn plain_words(words: &str) -> String {
    if words.contains("close_notify") {
        return "the server hung up in the middle".to_owned();
    }
    words.to_owned()
}

/// Tells what TLS itself refused from a connection that broke.
fn no_tls(error: &io::Error) -> NoTls {
    let why = error.get_ref();
    if why
        .and_then(|why| why.downcast_ref::<rustls::Error>())
        .is_some()
    {
        NoTls::Untrusted(error.to_string())
    } else {
        NoTls::Broke(plain_words(&error.to_string()))
    }
}

/// Makes what TLS needs to know: whom to trust, beside the system the file `ca`.
pub(super) fn trusting(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca {
        let unread = |why: &dyn fmt::Display| format!("{} cannot be read: {why}", file.display());
        let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unread(&error))?;
        let mut taken = 0_u32;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unread(&error))?;
            roots.add(certificate).map_err(|error| unread(&error))?;
            taken += 1;
        }
        if taken == 0 {
            return Err(unread(&"it holds no certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|config| config.with_root_certificates(roots).with_no_client_auth())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_connection_is_said_without_a_link_for_programmers() {
        let words = "peer closed connection without sending TLS close_notify: \
                     https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof";
        assert_eq!(plain_words(words), "the server hung up in the middle");
        assert_eq!(plain_words("451 4.3.0 Try later"), "451 4.3.0 Try later");
    }

    #[test]
    fn a_connection_that_breaks_is_not_a_server_that_is_not_trusted() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let untrusted = io::Error::new(io::ErrorKind::InvalidData, untrusted);

        assert!(matches!(no_tls(&reset), NoTls::Broke(_)));
        assert!(matches!(no_tls(&untrusted), NoTls::Untrusted(_)));
    }
}
