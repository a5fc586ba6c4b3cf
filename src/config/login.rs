//! How an account signs in: `login` and what goes with it.

use super::{
    address::check_url,
    provider::command,
    reader::{Reader, Section, Span, quoted},
};
use crate::domain::{
    KeySource, Login, MailProtocol, MailServer, Security,
    sign_in::{Service, SignIn, Way},
};

/// The settings of an account that are about signing in.
pub(super) const LOGIN_KEYS: [&str; 4] = [
    "login",
    "password_command",
    "client_id",
    "client_secret_command",
];

/// What a `login` of one's own holds.
const OWN_KEYS: [&str; 4] = ["browser", "device", "token", "scope"];

/// Reads how an account signs in; none when that is wrong.
pub(super) fn login(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    (name, at): (&str, &Span),
) -> Option<Login> {
    let own = match table.get("login") {
        Some(value) if value.get_ref().as_str().is_none() => {
            Some(Section::of(reader, &table.path("login"), value)?)
        }
        Some(_) | None => None,
    };
    let service = match &own {
        Some(_) => Some(Service::Own),
        None => service(reader, table).ok()?,
    };
    let Some(service) = service else {
        return password(reader, table);
    };
    let client_id = client_id(reader, table, (name, at))?;
    let client_secret = match table.get("client_secret_command") {
        Some(_) => Some(command(reader, table, "client_secret_command")?),
        None => None,
    };
    if let Some(value) = table.get("password_command") {
        let message = "`password_command` is not used beside `login`.";
        reader.error(&value.span(), message, Some("Keep one of them.".to_owned()));
        return None;
    }
    let (way, token, scope) = match &own {
        Some(own) => own_places(reader, own, at)?,
        None => known_places(service),
    };
    Some(Login::SignIn(SignIn {
        service,
        way,
        token,
        scope,
        client_id,
        client_secret,
    }))
}

/// The word of `login` is none that is known.
struct Unknown;

/// Returns the service that `login` names; none for a password.
fn service(reader: &mut Reader<'_>, table: &Section<'_>) -> Result<Option<Service>, Unknown> {
    let Some((word, span)) = table.text(reader, "login") else {
        return Ok(None);
    };
    match word {
        "password" => Ok(None),
        "microsoft" => Ok(Some(Service::Microsoft)),
        "google" => Ok(Some(Service::Google)),
        _ => {
            let message = format!("{} is no way to sign in.", quoted(word));
            let hint = "Write \"password\", \"microsoft\" or \"google\", or a table with browser or \
                        device, token and scope.";
            reader.error(&span, message, Some(hint.to_owned()));
            Err(Unknown)
        }
    }
}

/// Makes the sign-in of a service that is known, as `account add` writes it.
pub fn known(service: Service, client_id: String, client_secret: Option<Vec<String>>) -> SignIn {
    let (way, token, scope) = known_places(service);
    SignIn {
        service,
        way,
        token,
        scope,
        client_id,
        client_secret,
    }
}

/// Reads a command as a shell would, `pass show mail/support`: its program and arguments.
pub fn command_words(line: &str) -> Result<Vec<String>, &'static str> {
    shlex::split(line)
        .filter(|words| words.first().is_some_and(|program| !program.is_empty()))
        .ok_or("it is no command")
}

/// Returns the servers of a service that is known: the one mail is read from, and the one it
/// leaves by.
pub fn known_servers(service: Service) -> Option<(MailServer, MailServer)> {
    let of = |(imap, smtp): (&str, &str), (security, port)| {
        let imap = MailServer::of(MailProtocol::Imap, Security::Tls, (imap, 993)).ok()?;
        let smtp = MailServer::of(MailProtocol::Smtp, security, (smtp, port)).ok()?;
        Some((imap, smtp))
    };
    match service {
        Service::Google => of(("imap.gmail.com", "smtp.gmail.com"), (Security::Tls, 465)),
        Service::Microsoft => {
            let hosts = ("outlook.office365.com", "smtp.office365.com");
            of(hosts, (Security::StartTls, 587))
        }
        Service::Own => None,
    }
}

fn password(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Login> {
    for key in ["client_id", "client_secret_command"] {
        if let Some(value) = table.get(key) {
            let message = format!("`{key}` goes with a `login`, and there is none.");
            let hint = "Add login = \"microsoft\" or \"google\", or take it out.".to_owned();
            reader.error(&value.span(), message, Some(hint));
        }
    }
    match table.get("password_command") {
        Some(_) => command(reader, table, "password_command").map(KeySource::Command),
        None => Some(KeySource::Keyring),
    }
    .map(Login::Password)
}

fn client_id(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    (name, at): (&str, &Span),
) -> Option<String> {
    let Some((id, span)) = table.text(reader, "client_id") else {
        if table.get("client_id").is_none() {
            let message = format!("[accounts.{name}] needs a client_id to sign in with.");
            let hint = "Register deskhand as a desktop app at the service; it shows the id.";
            reader.error(at, message, Some(hint.to_owned()));
        }
        return None;
    };
    if id.is_empty() || id.len() > 300 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        reader.error(&span, "`client_id` is no id.", None);
        return None;
    }
    Some(id.to_owned())
}

/// The places of Microsoft's and Google's own documentation.
fn known_places(service: Service) -> (Way, String, String) {
    let (way, token, scope) = match service {
        Service::Google => (
            Way::Browser("https://accounts.google.com/o/oauth2/v2/auth".to_owned()),
            "https://oauth2.googleapis.com/token",
            "https://mail.google.com/",
        ),
        // A service of one's own has its places in the config.
        Service::Microsoft | Service::Own => (
            Way::Device(
                "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode".to_owned(),
            ),
            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            "offline_access https://outlook.office.com/IMAP.AccessAsUser.All \
             https://outlook.office.com/SMTP.Send",
        ),
    };
    (way, token.to_owned(), scope.to_owned())
}

/// Reads a table such as `{ device = URL, token = URL, scope = "..." }`.
fn own_places(
    reader: &mut Reader<'_>,
    own: &Section<'_>,
    at: &Span,
) -> Option<(Way, String, String)> {
    own.refuse_unknown(reader, &OWN_KEYS);
    let browser = place(reader, own, "browser");
    let device = place(reader, own, "device");
    let token = place(reader, own, "token");
    let scope = own.text(reader, "scope").map(|(scope, _)| scope.to_owned());
    let way = match (browser, device) {
        (Some(page), None) => Some(Way::Browser(page)),
        (None, Some(place)) => Some(Way::Device(place)),
        (Some(_), Some(_)) | (None, None) => None,
    };
    let (Some(way), Some(token), Some(scope)) = (way, token, scope) else {
        let message = format!("`{}` does not say where to sign in.", own.path("*"));
        let hint = "It needs browser or device (one of them), token and scope.".to_owned();
        reader.error(at, message, Some(hint));
        return None;
    };
    Some((way, token, scope))
}

fn place(reader: &mut Reader<'_>, own: &Section<'_>, key: &str) -> Option<String> {
    let (text, span) = own.text(reader, key)?;
    if let Ok(url) = check_url(text, false) {
        return Some(url);
    }
    let message = format!("`{key}` is no place for secrets.");
    let hint = "Write https://host/path; http:// is for this machine alone.".to_owned();
    reader.error(&span, message, Some(hint));
    None
}
