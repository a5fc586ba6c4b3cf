//! Where the setting up of a mailbox stands, and what a key does to it.

use secrecy::SecretString;

use crate::{
    config::{
        AccountConfig, Since,
        accounts::{USUAL_SINCE, is_address},
        chord::{Chord, Key},
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
    user: Option<String>,
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
    /// The password.
    Password,
    /// Nothing: both servers are tried.
    Trying,
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
            user: None,
        }
    }

    /// Takes a key as text, or as the answer to a question.
    pub fn press(&mut self, chord: Chord) {
        match self.stage {
            Stage::Looking | Stage::Trying => {}
            Stage::Agree if chord.ctrl || chord.alt => {}
            Stage::Agree => {
                if chord.key == Key::Char('y') {
                    self.ask(Stage::Since);
                } else if chord.key == Key::Char('n') {
                    self.name_others();
                }
            }
            Stage::Address | Stage::Imap | Stage::Smtp | Stage::Since | Stage::Password => {
                self.line.press(chord);
                self.trouble = None;
            }
        }
    }

    /// Takes text that is pasted.
    pub fn paste(&mut self, text: &str) {
        if !matches!(self.stage, Stage::Looking | Stage::Trying | Stage::Agree) {
            self.line.insert(text);
            self.trouble = None;
        }
    }

    /// Takes what is typed and asks for the next.
    pub fn enter(&mut self) -> After {
        let typed = self.line.text().trim().to_owned();
        match self.stage {
            Stage::Looking | Stage::Trying | Stage::Agree => After::Stay,
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
                        self.ask(Stage::Password);
                    }
                    None => self.trouble = Some("Write 30d, 8w or all.".to_owned()),
                }
                After::Stay
            }
            Stage::Password => self.add(),
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

    /// Takes that the account could not be added: the password is asked for again.
    pub fn failed(&mut self, why: String) {
        self.ask(Stage::Password);
        self.trouble = Some(why);
    }

    /// Tells whether what is typed must not be seen.
    pub fn is_hidden(&self) -> bool {
        self.stage == Stage::Password
    }

    /// Returns the service whose server this is, where it is a known one that may refuse passwords.
    pub fn service(&self) -> Option<&'static str> {
        let imap = self.imap.as_ref()?;
        Service::of_host(&imap.server.host)?.word()
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

    fn add(&mut self) -> After {
        let Some(imap) = self.imap.clone() else {
            self.ask(Stage::Imap);
            return After::Stay;
        };
        let password = self.line.take();
        if password.is_empty() {
            self.trouble = Some("Nothing was typed.".to_owned());
            return After::Stay;
        }
        self.stage = Stage::Trying;
        let login = Login::Password(KeySource::Keyring);
        let mut account = AccountConfig::of(&self.address, imap.server, login);
        if let Some(user) = &self.user {
            account.user.clone_from(user);
        }
        account.since = self.since.unwrap_or(USUAL_SINCE);
        account.sending.smtp = self.smtp.as_ref().map(|place| place.server.clone());
        After::Add(Box::new(account), SecretString::from(password))
    }

    /// Asks for the next thing, with what is usual in the line.
    fn ask(&mut self, stage: Stage) {
        let domain = self.domain();
        self.line = match stage {
            Stage::Imap => InputLine::suggesting(&format!("imaps://imap.{domain}:993")),
            Stage::Smtp => InputLine::suggesting(&format!("smtps://smtp.{domain}:465")),
            Stage::Since => InputLine::suggesting(&USUAL_SINCE.word()),
            Stage::Address | Stage::Looking | Stage::Agree | Stage::Password | Stage::Trying => {
                InputLine::new("")
            }
        };
        self.stage = stage;
        self.trouble = None;
    }
}

fn by_hand(server: MailServer) -> Place {
    Place {
        server,
        named: "named by you".to_owned(),
    }
}
