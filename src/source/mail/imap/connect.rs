//! Coming into a mailbox: the connection made private, the greeting, the sign-in.

use std::{fmt, io};

use async_imap::{Authenticator, Client, Session, error::Error};
use secrecy::{ExposeSecret as _, zeroize::Zeroizing};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{ImapError, Login, failed, heard::Heard, server_words, words};
use crate::{
    domain::Security,
    source::mail::{
        oauth::{Credential, sasl::Mechanism},
        tls::{self, NoTls, Pipe},
    },
    text::clean::clean_line,
};

/// More than any server says of what it can do.
const MOST_BYTES: usize = 64 << 10;

/// Connects and waits for the greeting; what passes from then on is counted.
pub(super) async fn connect(
    login: Login<'_>,
    heard: &Heard,
) -> Result<Client<Box<dyn Pipe>>, ImapError> {
    let server = login.server.to_string();
    let unreachable = |error: io::Error| ImapError::Unreachable {
        server: server.clone(),
        why: tls::plain_words(&error.to_string()),
    };
    let not_private = |why: String| ImapError::NotPrivate {
        server: server.clone(),
        why,
    };
    let no_tls = |why: NoTls| match why {
        NoTls::Broke(why) => ImapError::Unreachable {
            server: server.clone(),
            why,
        },
        NoTls::Untrusted(why) => not_private(why),
    };
    let place = (login.server.host.as_str(), login.server.port);
    let tcp = TcpStream::connect(place).await.map_err(unreachable)?;
    tcp.set_nodelay(true).map_err(unreachable)?;
    let host = &login.server.host;
    match login.server.security {
        Security::Tls => {
            let pipe = tls::wrap(tcp, host, login.ca).await.map_err(no_tls)?;
            greeted(Client::new(heard.on(pipe)), &server).await
        }
        Security::Plain => greeted(Client::new(heard.on(Box::new(tcp))), &server).await,
        Security::StartTls => {
            let mut client = greeted(Client::new(tcp), &server).await?;
            let started = client.run_command_and_check_ok("STARTTLS", None).await;
            started.map_err(|error| not_private(words(&error)))?;
            // What came before TLS began is thrown away with the old client.
            let pipe = tls::wrap(client.into_inner(), host, login.ca)
                .await
                .map_err(no_tls)?;
            Ok(Client::new(heard.on(pipe)))
        }
    }
}

async fn greeted<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + fmt::Debug + Send>(
    mut client: Client<T>,
    server: &str,
) -> Result<Client<T>, ImapError> {
    match client.read_response().await {
        Ok(Some(_)) => Ok(client),
        Ok(None) => Err(ImapError::Failed {
            server: server.to_owned(),
            said: "it hung up without a greeting".to_owned(),
        }),
        Err(error) => Err(ImapError::Failed {
            server: server.to_owned(),
            said: tls::plain_words(&error.to_string()),
        }),
    }
}

/// Signs in: with the password, or with the token in the way that the server offers.
pub(super) async fn sign_in(
    client: Client<Box<dyn Pipe>>,
    login: Login<'_>,
) -> Result<Session<Box<dyn Pipe>>, ImapError> {
    let server = login.server.to_string();
    let signed_in = match login.credential {
        Credential::Password(password) => {
            let password = password.expose_secret();
            client.login(login.user, password).await
        }
        Credential::Token(token) => {
            // The library asks for no capabilities before it has signed in.
            let mut pipe = client.into_inner();
            let offers = offers(&mut pipe).await.map_err(|error| ImapError::Failed {
                server: server.clone(),
                said: tls::plain_words(&error.to_string()),
            })?;
            let client = Client::new(pipe);
            let Some(mechanism) = Mechanism::of(offers.iter().map(String::as_str)) else {
                return Err(ImapError::Failed {
                    server,
                    said: "it takes no sign-in with a token (OAUTHBEARER, XOAUTH2)".to_owned(),
                });
            };
            let show = Show {
                first: Some(mechanism.first((login.user, token), login.server)),
                end: mechanism.end(),
            };
            client.authenticate(mechanism.name(), show).await
        }
    };
    signed_in.map_err(|(error, _)| {
        if let Error::No(said) | Error::Bad(said) = &error {
            return ImapError::Refused {
                server: server.clone(),
                said: clean_line(server_words(said).trim_end_matches('.')),
            };
        }
        failed(&server, &error)
    })
}

/// Asks a server that has greeted for the ways to sign in that it offers.
async fn offers(pipe: &mut Box<dyn Pipe>) -> io::Result<Vec<String>> {
    pipe.write_all(b"a CAPABILITY\r\n").await?;
    pipe.flush().await?;
    let mut answer = Vec::new();
    let mut some = [0; 1024];
    loop {
        let count = pipe.read(&mut some).await?;
        answer.extend(some.iter().take(count));
        let text = String::from_utf8_lossy(&answer);
        if text.ends_with('\n') && text.lines().any(|line| line.starts_with("a ")) {
            return Ok(auth_words(&text));
        }
        if count == 0 || answer.len() > MOST_BYTES {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Takes the ways out of `* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2`.
fn auth_words(answer: &str) -> Vec<String> {
    let lines = answer.lines().map(str::to_ascii_uppercase);
    lines
        .filter(|line| line.starts_with("* CAPABILITY "))
        .flat_map(|line| {
            let words = line
                .split(' ')
                .filter_map(|word| word.strip_prefix("AUTH="));
            words.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Shows a token, and after the server's complaint what ends it.
struct Show {
    first: Option<Zeroizing<String>>,
    end: &'static str,
}

impl Authenticator for Show {
    type Response = Zeroizing<String>;

    fn process(&mut self, _: &[u8]) -> Self::Response {
        let end = || Zeroizing::new(self.end.to_owned());
        self.first.take().unwrap_or_else(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_sign_in_are_found() {
        let answer =
            "* OK hello\r\n* CAPABILITY IMAP4rev1 SASL-IR auth=xoauth2 AUTH=PLAIN\r\na OK\r\n";
        assert_eq!(auth_words(answer), ["XOAUTH2", "PLAIN"]);
    }
}
