//! Handing a mail to the server that sends it: once, and with an honest word of what came of it.
//!
//! The library's own `send` does not say how far it came. Here each step is taken apart, because
//! an answer that never came after the text is not the same as a refusal before it.

use std::{fs, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Ehlo, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter, RcptParameter},
    },
};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use tokio::time::timeout;

use super::{
    oauth::{Credential, sasl},
    tls::plain_words,
};
use crate::{
    domain::{MailServer, Security},
    text::clean::clean_line,
};

/// How long a server may take to accept a connection and greet.
const CONNECT: Duration = Duration::from_secs(15);
/// How long it may take over one answer (RFC 5321, 4.5.3.2 allows 5 minutes for most).
const ANSWER: Duration = Duration::from_mins(2);
/// And over the one after the text (RFC 5321, 4.5.3.2.6: 10 minutes).
const AFTER_TEXT: Duration = Duration::from_mins(10);

/// Who signs in where.
#[derive(Clone, Copy)]
pub struct SmtpLogin<'a> {
    /// The server.
    pub server: &'a MailServer,
    /// The name.
    pub user: &'a str,
    /// The password or token.
    pub credential: Credential<'a>,
    /// A file of certificates that are trusted beside the system's.
    pub ca: Option<&'a Path>,
    /// The domain to greet with.
    pub hello: &'a str,
}

/// A mail and who is to have it.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    /// Where reports about it go; none for mail that nobody is to answer.
    pub sender: Option<&'a str>,
    /// Who gets it.
    pub recipients: &'a [String],
    /// Its bytes, as they are.
    pub mime: &'a [u8],
}

/// What came of handing a mail over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The server has it.
    Accepted(String),
    /// The server will not have it now (4xx), or could not be reached: later.
    Later(String),
    /// The server will never have it (5xx).
    Refused(String),
    /// The text was on its way when the connection broke: nobody knows.
    Unsure(String),
}

/// Says why a server could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// It cannot be reached, or does not answer.
    #[error("{server} cannot be reached: {why}")]
    Unreachable {
        /// Which server.
        server: String,
        /// Why not.
        why: String,
    },
    /// No private connection came about; the password was not sent.
    #[error("no private connection to {server}: {why}. The password was not sent")]
    NotPrivate {
        /// Which server.
        server: String,
        /// Why not.
        why: String,
    },
    /// It refused name or password.
    #[error("{server} refused the name or the password: {said}")]
    Refused {
        /// Which server.
        server: String,
        /// Its words.
        said: String,
    },
    /// It has no way for a token.
    #[error("{server} takes no sign-in with a token (OAUTHBEARER, XOAUTH2)")]
    NoToken {
        /// Which server.
        server: String,
    },
    /// It answered something else than was asked.
    #[error("{server} could not be used: {said}")]
    Failed {
        /// Which server.
        server: String,
        /// Its words.
        said: String,
    },
}

/// A signed-in connection.
pub struct Submission {
    connection: AsyncSmtpConnection,
    reports: Reports,
}

/// What a server's reports name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reports {
    /// To whom a mail was written, if they are told so with it (RFC 3461), though it went on.
    Original,
    /// Where it went at last.
    Final,
}

impl Submission {
    /// Hands a mail over and signs out. `on_text` is asked right before its text goes out, and
    /// stops it with the words why. One recipient that is refused refuses it for all: nobody gets it then.
    pub async fn deliver(
        mut self,
        parcel: Parcel<'_>,
        on_text: impl AsyncFnOnce() -> Result<(), String>,
    ) -> Handover {
        let handover = hand_over(&mut self, parcel, on_text).await;
        self.close().await;
        handover
    }

    /// Signs out. What goes wrong with that is nobody's concern.
    pub async fn close(mut self) {
        drop(timeout(CONNECT, self.connection.quit()).await);
    }
}

/// Connects and signs in.
pub async fn open(login: SmtpLogin<'_>) -> Result<Submission, SmtpError> {
    connect(login).await
}

async fn connect(login: SmtpLogin<'_>) -> Result<Submission, SmtpError> {
    let server = login.server;
    let hello = ClientId::Domain(login.hello.to_owned());
    let tls = tls(login)?;
    let place = (server.host.as_str(), server.port);
    let first = match server.security {
        Security::Tls => Some(tls.clone()),
        Security::StartTls | Security::Plain => None,
    };
    let connecting = AsyncSmtpConnection::connect_tokio1(place, Some(CONNECT), &hello, first, None);
    let mut connection = within(login, CONNECT, connecting).await?;
    let must_hide = server.security == Security::StartTls;
    let may_hide = server.security == Security::Plain
        && !offers_login(&connection)
        && connection.can_starttls();
    if must_hide || may_hide {
        if !connection.can_starttls() {
            return Err(SmtpError::NotPrivate {
                server: server.to_string(),
                why: "it offers no STARTTLS".to_owned(),
            });
        }
        within(login, ANSWER, connection.starttls(tls, &hello)).await?;
    }
    let is_relay = matches!(login.credential, Credential::Password(_))
        && server.security == Security::Plain
        && !offers_login(&connection);
    let offers = within(login, ANSWER, offers(&mut connection, hello.clone())).await?;
    let reports = if offers.iter().any(|line| line.eq_ignore_ascii_case("DSN")) {
        Reports::Original
    } else {
        Reports::Final
    };
    // A relay on this machine knows no names.
    if !is_relay {
        sign_in(&mut connection, (login, &offers)).await?;
    }
    Ok(Submission {
        connection,
        reports,
    })
}

/// Asks again what the server offers: of most of it the library does not tell.
async fn offers(
    connection: &mut AsyncSmtpConnection,
    hello: ClientId,
) -> Result<Vec<String>, Error> {
    match connection.command(Ehlo::new(hello)).await {
        Ok(greeting) => Ok(greeting.message().map(str::to_owned).collect()),
        // It has greeted once, and that will do.
        Err(error) if error.is_permanent() || error.is_transient() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The ways to show a password.
const WITH_PASSWORD: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

fn offers_login(connection: &AsyncSmtpConnection) -> bool {
    let info = connection.server_info();
    info.get_auth_mechanism(&WITH_PASSWORD).is_some()
}

async fn sign_in(
    connection: &mut AsyncSmtpConnection,
    (login, offers): (SmtpLogin<'_>, &[String]),
) -> Result<(), SmtpError> {
    let signing_in = async {
        match login.credential {
            Credential::Password(password) => {
                let password = password.expose_secret().to_owned();
                let credentials = Credentials::new(login.user.to_owned(), password);
                let signed_in = connection.auth(&WITH_PASSWORD, &credentials).await;
                signed_in.map(|_| true)
            }
            Credential::Token(token) => show(connection, login, (offers, token)).await,
        }
    };
    let server = login.server.to_string();
    match timeout(ANSWER, signing_in).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(SmtpError::NoToken { server }),
        Ok(Err(error)) if error.is_permanent() => Err(SmtpError::Refused {
            server,
            said: words(&error),
        }),
        Ok(Err(error)) => Err(SmtpError::Failed {
            server,
            said: words(&error),
        }),
        Err(_) => Err(silent(login)),
    }
}

/// Shows a token in the way that the server offers; false when it offers none.
async fn show(
    connection: &mut AsyncSmtpConnection,
    login: SmtpLogin<'_>,
    (offers, token): (&[String], &SecretString),
) -> Result<bool, Error> {
    // The library knows one of the two ways only.
    let offers = offers
        .iter()
        .filter_map(|line| line.strip_prefix("AUTH "))
        .flat_map(|ways| ways.split(' '));
    let Some(mechanism) = sasl::Mechanism::of(offers) else {
        return Ok(false);
    };
    let first = mechanism.first((login.user, token), login.server);
    let first = Zeroizing::new(STANDARD.encode(first.as_bytes()));
    let line = Zeroizing::new(format!("AUTH {} {}\r\n", mechanism.name(), *first));
    let answer = connection.command(line.as_str()).await?;
    if answer.has_code(334) {
        // It has said what is wrong; only after this it says no.
        let end = format!("{}\r\n", STANDARD.encode(mechanism.end()));
        connection.command(end).await?;
    }
    Ok(true)
}

async fn hand_over(
    submission: &mut Submission,
    parcel: Parcel<'_>,
    on_text: impl AsyncFnOnce() -> Result<(), String>,
) -> Handover {
    if let Err(before) = address(submission, parcel).await {
        return before;
    }
    let connection = &mut submission.connection;
    if let Err(why) = on_text().await {
        return Handover::Later(why);
    }
    if let Err(before) = command(connection, Data).await {
        return before;
    }
    let text = parcel.mime.strip_suffix(b"\r\n").unwrap_or(parcel.mime);
    match timeout(AFTER_TEXT, connection.message(text)).await {
        Ok(Ok(response)) => Handover::Accepted(line(response.message())),
        Ok(Err(error)) if error.is_transient() || error.is_permanent() => refused(&error),
        Ok(Err(error)) => Handover::Unsure(format!(
            "the connection broke before the server said whether it has it ({})",
            words(&error)
        )),
        Err(_) => Handover::Unsure("the server never said whether it has it".to_owned()),
    }
}

/// Says from whom it comes and to whom it goes.
async fn address(submission: &mut Submission, parcel: Parcel<'_>) -> Result<(), Handover> {
    let connection = &mut submission.connection;
    let parse = |text: &str| {
        text.parse::<Address>()
            .map_err(|_| Handover::Refused("an address of it is none".to_owned()))
    };
    let sender = parcel.sender.map(parse).transpose()?;
    let recipients: Vec<Address> = parcel
        .recipients
        .iter()
        .map(|text| parse(text))
        .collect::<Result<_, _>>()?;
    let mut options = Vec::new();
    if !parcel.mime.is_ascii() {
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let is_foreign = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
    if recipients.iter().chain(&sender).any(is_foreign) {
        if !connection
            .server_info()
            .supports_feature(Extension::SmtpUtfEight)
        {
            let why = "an address has letters that this server does not take (no SMTPUTF8)";
            return Err(Handover::Refused(why.to_owned()));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    command(connection, Mail::new(sender, options)).await?;
    for recipient in recipients {
        let named = recipient.to_string();
        let original = (submission.reports == Reports::Original && named.is_ascii()).then(|| {
            RcptParameter::Other {
                keyword: "ORCPT".to_owned(),
                value: Some(format!("rfc822;{named}")),
            }
        });
        let parameters = original.into_iter().collect();
        let told = command(connection, Rcpt::new(recipient, parameters)).await;
        told.map_err(|handover| named_in(handover, &named))?;
    }
    Ok(())
}

fn named_in(handover: Handover, who: &str) -> Handover {
    match handover {
        Handover::Refused(said) => Handover::Refused(format!("{who}: {said}")),
        Handover::Later(said) => Handover::Later(format!("{who}: {said}")),
        Handover::Accepted(_) | Handover::Unsure(_) => handover,
    }
}

/// Gives one command; whatever goes wrong here happens before the text.
async fn command(
    connection: &mut AsyncSmtpConnection,
    command: impl std::fmt::Display,
) -> Result<(), Handover> {
    match timeout(ANSWER, connection.command(command)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refused(&error)),
        Err(_) => Err(Handover::Later("the server did not answer".to_owned())),
    }
}

fn refused(error: &Error) -> Handover {
    if error.is_permanent() {
        Handover::Refused(words(error))
    } else {
        Handover::Later(words(error))
    }
}

fn tls(login: SmtpLogin<'_>) -> Result<TlsParameters, SmtpError> {
    let not_private = |why: String| SmtpError::NotPrivate {
        server: login.server.to_string(),
        why,
    };
    let mut builder = TlsParameters::builder(login.server.host.clone());
    if let Some(file) = login.ca {
        let unread = |why: &dyn std::fmt::Display| {
            not_private(format!("{} cannot be read: {why}", file.display()))
        };
        let pem = fs::read(file).map_err(|error| unread(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unread(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build_rustls()
        .map_err(|error| not_private(error.to_string()))
}

async fn within<T>(
    login: SmtpLogin<'_>,
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, SmtpError> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failed(login, &error)),
        Err(_) => Err(silent(login)),
    }
}

fn failed(login: SmtpLogin<'_>, error: &Error) -> SmtpError {
    let server = login.server.to_string();
    if error.is_tls() {
        return SmtpError::NotPrivate {
            server,
            why: words(error),
        };
    }
    if error.is_transient() || error.is_permanent() || error.is_response() {
        return SmtpError::Failed {
            server,
            said: words(error),
        };
    }
    let why = words(error);
    // A certificate that is not trusted comes as a broken connection.
    if why.contains("certificate") {
        return SmtpError::NotPrivate { server, why };
    }
    SmtpError::Unreachable { server, why }
}

fn silent(login: SmtpLogin<'_>) -> SmtpError {
    SmtpError::Unreachable {
        server: login.server.to_string(),
        why: "it did not answer in time".to_owned(),
    }
}

fn line<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let whole: Vec<String> = lines.map(clean_line).collect();
    whole.join(" ").chars().take(300).collect()
}

/// Says what the server said, code first, on one clean line.
fn words(error: &Error) -> String {
    use std::error::Error as _;
    let source = error.source().map(ToString::to_string);
    let text = match (error.status(), source) {
        (Some(code), Some(source)) => format!("{code} {source}"),
        (Some(code), None) => code.to_string(),
        (None, Some(source)) => source,
        (None, None) => error.to_string(),
    };
    clean_line(&plain_words(&text)).chars().take(300).collect()
}
