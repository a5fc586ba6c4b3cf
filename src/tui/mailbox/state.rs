//! Where the setting up of a mailbox stands, and what a key does to it.

use secrecy::SecretString;

use crate::{
    config::{
        AccountConfig, Since,
        accounts::{USUAL_SINCE, is_address},
        chord::{Chord, Key},
        login::{command_words, known},
    },
    desk::servers::Servers,
    domain::{KeySource, Login, MailServer, sign_in::Service},
    tui::{event::Trouble, line::InputLine},
};

/// The open screen.
#[derive(Debug)]
pub struct MailboxScreen {
    /// What is asked for now.
    pub stage: Stage,
    /// What is typed.
    pub line: InputLine,
    /// What is wrong, said after Enter.
    pub trouble: Option<String>,
    /// The address, once it is typed.
    pub address: String,
    /// How far back mail is read, once it is typed.
    pub since: Option<Since>,
    /// Where mail is read, once that is known.
    pub imap: Option<Place>,
    /// Where replies leave, once that is known.
    pub smtp: Option<Place>,
    /// Hosts outside the address's domain.
    pub outside: Vec<String>,
    /// What the person must do, once the service has said it.
    pub must_do: Option<MustDo>,
    user: Option<String>,
    client_id: String,
}

/// A server, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub server: MailServer,
    /// In words, after the server.
    pub named: String,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The address.
    Address,
    /// Nothing: servers are looked for.
    Looking,
    /// Whether the password may go to hosts outside the domain.
    Agree,
    /// The server mail is read from, by hand.
    Imap,
    /// The server replies leave by, by hand.
    Smtp,
    /// How far back mail is read.
    Since,
    /// Whether to sign in with a token or a password, where passwords may be refused.
    Way,
    /// The id under which the service knows us.
    ClientId,
    /// The command that writes the secret that goes with it.
    Secret,
    /// Nothing: the person says yes elsewhere.
    Signing,
    /// The password.
    Password,
    /// Nothing: both servers are tried.
    Trying,
}

impl Stage {
    /// Tells whether a line is typed.
    pub const fn takes_text(self) -> bool {
        match self {
            Self::Address
            | Self::Imap
            | Self::Smtp
            | Self::Since
            | Self::ClientId
            | Self::Secret
            | Self::Password => true,
            Self::Looking | Self::Agree | Self::Way | Self::Signing | Self::Trying => false,
        }
    }
}

/// What the person must do to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MustDo {
    /// The page to open.
    pub url: String,
    /// The code to type there; none where the browser of this machine is asked.
    pub code: Option<String>,
}

/// What follows from a key.
#[derive(Debug)]
pub enum After {
    /// Nothing.
    Stay,
    /// The servers of an address are looked for.
    Find(String),
    /// The account is tried and kept.
    Add(Box<AccountConfig>, SecretString),
    /// The account is signed in to with a token, and kept.
    SignIn(Box<AccountConfig>),
}

impl MailboxScreen {
    /// Opens the screen; the address comes first.
    pub fn open() -> Self {
        Self {
            stage: Stage::Address,
            line: InputLine::new(""),
            trouble: None,
            address: String::new(),
            since: None,
            imap: None,
            smtp: None,
            outside: Vec::new(),
            must_do: None,
            user: None,
            client_id: String::new(),
        }
    }

    /// Takes a key as text, or as the answer to a question.
    pub fn press(&mut self, chord: Chord) {
        if self.stage.takes_text() {
            self.line.press(chord);
            self.trouble = None;
            return;
        }
        let Key::Char(letter) = chord.key else {
            return;
        };
        if chord.ctrl || chord.alt {
            return;
        }
        match (self.stage, letter) {
            (Stage::Agree, 'y') => self.ask(Stage::Since),
            (Stage::Agree, 'n') => self.name_others(),
            (Stage::Way, 't') => self.ask(Stage::ClientId),
            (Stage::Way, 'p') => self.ask(Stage::Password),
            _ => {}
        }
    }

    /// Takes text that is pasted.
    pub fn paste(&mut self, text: &str) {
        if self.stage.takes_text() {
            self.line.insert(text);
            self.trouble = None;
        }
    }

    /// Takes what is typed and asks for the next.
    pub fn enter(&mut self) -> After {
        let typed = self.line.text().trim().to_owned();
        match self.stage {
            Stage::Looking | Stage::Trying | Stage::Agree | Stage::Way | Stage::Signing => {
                After::Stay
            }
            Stage::Address => self.address(typed),
            Stage::Imap => {
                match MailServer::imap(&typed) {
                    Ok(server) => {
                        self.imap = Some(by_hand(server));
                        self.ask(Stage::Smtp);
                    }
                    Err(why) => self.trouble = Some(format!("This names no server: {why}.")),
                }
                After::Stay
            }
            Stage::Smtp => {
                match (typed.is_empty(), MailServer::smtp(&typed)) {
                    (true, _) => {
                        self.smtp = None;
                        self.ask(Stage::Since);
                    }
                    (false, Ok(server)) => {
                        self.smtp = Some(by_hand(server));
                        self.ask(Stage::Since);
                    }
                    (false, Err(why)) => {
                        self.trouble = Some(format!("This names no server: {why}."));
                    }
                }
                After::Stay
            }
            Stage::Since => {
                match Since::parse(&typed) {
                    Some(since) => {
                        self.since = Some(since);
                        let may_refuse = self.service().is_some();
                        self.ask(if may_refuse {
                            Stage::Way
                        } else {
                            Stage::Password
                        });
                    }
                    None => self.trouble = Some("Write 30d, 8w or all.".to_owned()),
                }
                After::Stay
            }
            Stage::ClientId => self.client_id(typed),
            Stage::Secret => self.secret(&typed),
            Stage::Password => self.add(),
        }
    }

    /// Takes that the address is an account of the config that signs in with a token.
    pub fn known(&mut self, account: AccountConfig) -> After {
        if self.stage != Stage::Looking || !self.address.eq_ignore_ascii_case(&account.address) {
            return After::Stay;
        }
        let named = |server: &MailServer| Place {
            server: server.clone(),
            named: "as in your config".to_owned(),
        };
        self.imap = Some(named(&account.imap));
        self.smtp = account.sending.smtp.as_ref().map(named);
        self.since = Some(account.since);
        self.sign_in(account)
    }

    /// Takes what the person must do to sign in.
    pub fn must_do(&mut self, url: String, code: Option<String>) {
        if self.stage == Stage::Signing {
            self.must_do = Some(MustDo { url, code });
        }
    }

    /// Takes the servers that were found for an address, or that none were.
    pub fn found(&mut self, address: &str, found: Result<Servers, Trouble>) {
        if self.stage != Stage::Looking || self.address != address {
            return;
        }
        let servers = match found {
            Ok(servers) => servers,
            Err(trouble) => {
                self.ask(Stage::Imap);
                self.trouble = Some(trouble.said);
                return;
            }
        };
        self.outside = servers
            .outside(address)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let named = |offer: &crate::desk::servers::Offer| Place {
            server: offer.server.clone(),
            named: format!("found by {}", offer.origin.words()),
        };
        self.imap = Some(named(&servers.imap));
        self.smtp = servers.smtp.as_ref().map(named);
        self.user = servers.imap.user;
        self.ask(if self.outside.is_empty() {
            Stage::Since
        } else {
            Stage::Agree
        });
    }

    /// Takes that the account could not be added: the password, or what the sign-in needs, is
    /// asked for again.
    pub fn failed(&mut self, why: String) {
        let stage = if self.stage != Stage::Signing {
            Stage::Password
        } else if self.client_id.is_empty() {
            Stage::Address
        } else {
            Stage::ClientId
        };
        self.ask(stage);
        self.trouble = Some(why);
    }

    /// Tells whether what is typed must not be seen.
    pub fn is_hidden(&self) -> bool {
        self.stage == Stage::Password
    }

    /// Returns the service whose server this is, where it is a known one that may refuse passwords.
    pub fn service(&self) -> Option<&'static str> {
        self.granter()?.word()
    }

    fn granter(&self) -> Option<Service> {
        Service::of_host(&self.imap.as_ref()?.server.host)
    }

    /// Returns the domain of the address.
    pub fn domain(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or_default()
    }

    fn address(&mut self, typed: String) -> After {
        if !is_address(&typed) {
            self.trouble = Some("It is no address such as support@example.com.".to_owned());
            return After::Stay;
        }
        self.address.clone_from(&typed);
        self.ask(Stage::Looking);
        After::Find(typed)
    }

    /// Forgets what was found and asks for it by hand.
    fn name_others(&mut self) {
        (self.imap, self.smtp, self.user) = (None, None, None);
        self.outside.clear();
        self.ask(Stage::Imap);
    }

    fn client_id(&mut self, typed: String) -> After {
        if typed.is_empty() {
            self.trouble = Some("Nothing was typed.".to_owned());
            return After::Stay;
        }
        self.client_id = typed;
        // Microsoft wants no secret of a program that cannot keep one; Google wants it all the same.
        if self.granter() == Some(Service::Google) {
            self.ask(Stage::Secret);
            return After::Stay;
        }
        self.with_token(None)
    }

    fn secret(&mut self, typed: &str) -> After {
        if typed.is_empty() {
            return self.with_token(None);
        }
        match command_words(typed) {
            Ok(words) if words.len() == 1 && is_rather_secret(typed) => {
                self.line = InputLine::new("");
                self.trouble = Some(
                    "That looks like the secret itself, which is not kept in the config. Write \
                     the command that prints it."
                        .to_owned(),
                );
                After::Stay
            }
            Ok(words) => self.with_token(Some(words)),
            Err(why) => {
                self.trouble = Some(format!("It cannot be run: {why}."));
                After::Stay
            }
        }
    }

    fn with_token(&mut self, secret: Option<Vec<String>>) -> After {
        let Some(service) = self.granter() else {
            self.ask(Stage::Password);
            return After::Stay;
        };
        let login = Login::SignIn(known(service, self.client_id.clone(), secret));
        match self.account(login) {
            Some(account) => self.sign_in(account),
            None => After::Stay,
        }
    }

    fn sign_in(&mut self, account: AccountConfig) -> After {
        self.must_do = None;
        self.ask(Stage::Signing);
        After::SignIn(Box::new(account))
    }

    fn add(&mut self) -> After {
        if self.line.text().is_empty() {
            self.trouble = Some("Nothing was typed.".to_owned());
            return After::Stay;
        }
        let Some(account) = self.account(Login::Password(KeySource::Keyring)) else {
            return After::Stay;
        };
        let password = self.line.take();
        self.stage = Stage::Trying;
        After::Add(Box::new(account), SecretString::from(password))
    }

    /// Makes the account of what is known; without a server, that is asked for.
    fn account(&mut self, login: Login) -> Option<AccountConfig> {
        let Some(imap) = self.imap.clone() else {
            self.ask(Stage::Imap);
            return None;
        };
        let mut account = AccountConfig::of(&self.address, imap.server, login);
        if let Some(user) = &self.user {
            account.user.clone_from(user);
        }
        account.since = self.since.unwrap_or(USUAL_SINCE);
        account.sending.smtp = self.smtp.as_ref().map(|place| place.server.clone());
        Some(account)
    }

    /// Asks for the next thing, with what is usual in the line.
    fn ask(&mut self, stage: Stage) {
        let domain = self.domain();
        self.line = match stage {
            Stage::Imap => InputLine::suggesting(&format!("imaps://imap.{domain}:993")),
            Stage::Smtp => InputLine::suggesting(&format!("smtps://smtp.{domain}:465")),
            Stage::Since => InputLine::suggesting(&USUAL_SINCE.word()),
            Stage::ClientId => InputLine::new(&self.client_id),
            Stage::Address
            | Stage::Looking
            | Stage::Agree
            | Stage::Way
            | Stage::Secret
            | Stage::Signing
            | Stage::Password
            | Stage::Trying => InputLine::new(""),
        };
        self.stage = stage;
        self.trouble = None;
    }
}

/// Tells whether a word is rather what a command should print: Google's begin so, and no program has
/// a name as long.
fn is_rather_secret(word: &str) -> bool {
    word.starts_with("GOCSPX-") || (word.len() >= 24 && !word.contains('/'))
}

fn by_hand(server: MailServer) -> Place {
    Place {
        server,
        named: "named by you".to_owned(),
    }
}
