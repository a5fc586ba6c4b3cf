//! The flow in the browser (RFC 8252): a page of the service, which comes back to a port of this
//! machine. The code it brings is worthless without the word that only we know (PKCE, RFC 7636).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use uuid::Uuid;

use super::{
    Asking, OAuthError, PERSON, Place, Tokens,
    token::{self, Said},
};

/// How long one visitor of our port may take to say what it wants.
const VISITOR: Duration = Duration::from_secs(5);
/// More than the first line of an honest one.
const MOST_BYTES: usize = 16 << 10;

/// A page that waits for a person, and the port it comes back to.
pub struct Browser {
    /// The page.
    pub url: String,
    listener: TcpListener,
    home: String,
    state: String,
    word: SecretString,
}

/// What a visitor of our port brings.
enum Visit {
    /// The code of the service.
    Code(SecretString),
    /// The service says no, by its word.
    Error(String),
    /// Nothing of ours.
    Stranger,
}

impl Browser {
    /// Makes the page and opens the port.
    pub async fn open(asking: Asking<'_>, page: &str) -> Result<Self, OAuthError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(OAuthError::NoPort)?;
        let port = listener.local_addr().map_err(OAuthError::NoPort)?.port();
        let home = format!("http://127.0.0.1:{port}/");
        let (state, word) = (random(), random());
        let mut url: Url = page.parse().map_err(|_| OAuthError::Odd {
            host: page.to_owned(),
            why: "it is no address".to_owned(),
        })?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &asking.sign_in.client_id)
            .append_pair("redirect_uri", &home)
            .append_pair("scope", &asking.sign_in.scope)
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge(&word))
            .append_pair("code_challenge_method", "S256")
            .append_pair("login_hint", asking.address)
            // Google gives a refresh token only so.
            .append_pair("access_type", "offline")
            .append_pair("prompt", "consent");
        Ok(Self {
            url: url.into(),
            listener,
            home,
            state,
            word: SecretString::from(word),
        })
    }

    /// Waits until the person has said yes.
    pub async fn tokens(&self, asking: Asking<'_>) -> Result<Tokens, OAuthError> {
        let place = Place::of(asking, &asking.sign_in.token)?;
        let visit = timeout(PERSON, self.visit()).await;
        let code = match visit.unwrap_or(Err(OAuthError::TooLate))? {
            Visit::Code(code) => code,
            Visit::Error(error) => return Err(token::refused(&place, &error, "")),
            Visit::Stranger => return Err(OAuthError::TooLate),
        };
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", self.home.as_str()),
            ("code_verifier", self.word.expose_secret()),
        ];
        match token::ask(asking, &place, &grant).await? {
            Said::Tokens(tokens) => Ok(tokens),
            Said::Error(error, said) => Err(token::refused(&place, &error, &said)),
        }
    }

    /// Waits for the visitor that brings the right state; others are sent away.
    async fn visit(&self) -> Result<Visit, OAuthError> {
        loop {
            let (mut stream, _) = self.listener.accept().await.map_err(OAuthError::NoPort)?;
            let asked = timeout(VISITOR, first_line(&mut stream)).await;
            let line = asked.unwrap_or_default();
            let visit = read(&line, &self.home, &self.state);
            let (status, words) = match &visit {
                Visit::Code(_) => ("200 OK", "deskhand has it. You can close this page."),
                Visit::Error(_) => ("200 OK", "It was declined. You can close this page."),
                Visit::Stranger => ("404 Not Found", "There is nothing here."),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n\
                 content-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{words}",
                words.len()
            );
            // The browser may be gone already.
            drop(timeout(VISITOR, stream.write_all(answer.as_bytes())).await);
            drop(timeout(VISITOR, stream.shutdown()).await);
            if !matches!(visit, Visit::Stranger) {
                return Ok(visit);
            }
        }
    }
}

async fn first_line(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut some = [0; 1024];
    while bytes.len() < MOST_BYTES && !bytes.contains(&b'\n') {
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend(some.iter().take(count)),
        }
    }
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(line).trim_end().to_owned()
}

/// Reads `GET /?code=...&state=... HTTP/1.1`. Without the right state it is a stranger's.
fn read(line: &str, home: &str, state: &str) -> Visit {
    let path = line
        .strip_prefix("GET /")
        .and_then(|rest| rest.split(' ').next());
    let url = path.and_then(|path| Url::parse(&format!("{home}{path}")).ok());
    let Some(url) = url.filter(|url| url.path() == "/") else {
        return Visit::Stranger;
    };
    let value = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    if value("state").as_deref() != Some(state) {
        return Visit::Stranger;
    }
    match (value("error"), value("code")) {
        (Some(error), _) => Visit::Error(error),
        (None, Some(code)) => Visit::Code(SecretString::from(code)),
        (None, None) => Visit::Stranger,
    }
}

/// Returns 244 random bits as 64 letters (RFC 7636, 4.1 wants 43 to 128).
fn random() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn challenge(word: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_eq!(random().len(), 64);
        assert_ne!(random(), random());
    }

    #[test]
    fn only_who_knows_the_state_is_heard() {
        let home = "http://127.0.0.1:9/";
        let of = |line: &str| match read(line, home, "s1") {
            Visit::Code(code) => format!("code {}", code.expose_secret()),
            Visit::Error(error) => format!("error {error}"),
            Visit::Stranger => "stranger".to_owned(),
        };
        for (line, expected) in [
            ("GET /?state=s1&code=a%2Fb HTTP/1.1", "code a/b"),
            (
                "GET /?error=access_denied&state=s1 HTTP/1.1",
                "error access_denied",
            ),
            ("GET /?code=a HTTP/1.1", "stranger"),
            ("GET /?code=a&state=s2 HTTP/1.1", "stranger"),
            ("GET /favicon.ico HTTP/1.1", "stranger"),
            ("GET /x?code=a&state=s1 HTTP/1.1", "stranger"),
            ("POST /?code=a&state=s1 HTTP/1.1", "stranger"),
            ("", "stranger"),
        ] {
            assert_eq!(of(line), expected, "{line}");
        }
    }
}
