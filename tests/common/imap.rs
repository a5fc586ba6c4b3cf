//! A mail server of a few words that fails when a test says so.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::program::{Home, Ran};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It refuses a fetch that comes to this message, whatever it has told before.
    RefusesBody(u32),
    /// It hangs up where this message would follow.
    HangsUpBefore(u32),
    /// It refuses to search.
    RefusesSearch,
    /// It hangs up instead of searching.
    HangsUpAtSearch,
    /// It forgets to tell this message, and says OK.
    Forgets(u32),
    /// It has nothing of this message to tell.
    IsNil(u32),
    /// It refuses every message with a larger number.
    RefusesAbove(u32),
}

/// One message of the inbox.
pub(crate) struct Held {
    pub(crate) uid: u32,
    /// ` 1-Feb-2025 21:52:25 +0100`.
    pub(crate) arrived: String,
    pub(crate) bytes: Vec<u8>,
}

/// What the server has.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) validity: u32,
    pub(crate) messages: Vec<Held>,
    pub(crate) fault: Fault,
    /// How often somebody tried to sign in.
    pub(crate) sign_ins: u32,
    /// How often somebody took leave.
    pub(crate) sign_outs: u32,
    /// Whether it lets nobody in.
    pub(crate) is_shut: bool,
    /// Whether it has a folder of sent mail.
    pub(crate) has_sent: bool,
    /// What was put there.
    pub(crate) sent: Vec<Vec<u8>>,
}

/// The server.
pub(crate) struct Fake {
    port: u16,
    inbox: Arc<Mutex<Inbox>>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let inbox = Arc::new(Mutex::new(Inbox {
            validity: 1,
            ..Inbox::default()
        }));
        let shared = Arc::clone(&inbox);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inbox = Arc::clone(&shared);
                thread::spawn(move || drop(talk(&stream, &inbox)));
            }
        });
        Self { port, inbox }
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Inbox) -> T) -> T {
        act(&mut self.inbox.lock().expect("no panic"))
    }

    pub(crate) fn url(&self) -> String {
        format!("imap://127.0.0.1:{}", self.port)
    }

    /// Puts a message into the inbox that arrived so many days ago.
    pub(crate) fn put(&self, uid: u32, days: i64, bytes: Vec<u8>) {
        let at = jiff::Zoned::now() - jiff::Span::new().days(days);
        let arrived = at.strftime("%d-%b-%Y %H:%M:%S %z").to_string();
        self.with(|inbox| {
            inbox.messages.push(Held {
                uid,
                arrived,
                bytes,
            });
        });
    }

    /// Adds the mailbox to a desk's config.
    pub(crate) fn join(&self, home: &Home) -> Ran {
        let url = self.url();
        let mut args = vec!["account", "add", "support@acme.test", "--imap", &url];
        args.extend(["--user", "support", "--since", "all", "--json"]);
        args.extend(["--password-command", "printf rig-password"]);
        home.run(&args)
    }
}

fn talk(stream: &TcpStream, inbox: &Mutex<Inbox>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    out.write_all(b"* OK hello\r\n")?;
    let (mut lines, mut line) = (BufReader::new(stream), String::new());
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (tag, command) = line.trim_end().split_once(' ').expect("a command");
        let mut inbox = inbox.lock().expect("no panic");
        let Some(end) = answer((&mut out, &mut lines), &mut inbox, command)? else {
            return Ok(());
        };
        write!(out, "{tag} {end}\r\n")?;
    }
}

/// Tells what was asked for; returns how the answer ends. None: it hangs up.
fn answer(
    (out, lines): (&mut TcpStream, &mut BufReader<&TcpStream>),
    inbox: &mut Inbox,
    command: &str,
) -> std::io::Result<Option<&'static str>> {
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["CAPABILITY"] => out.write_all(b"* CAPABILITY IMAP4rev1\r\n")?,
        ["LOGIN", ..] => {
            inbox.sign_ins += 1;
            if inbox.is_shut {
                return Ok(Some("NO [AUTHENTICATIONFAILED] who are you"));
            }
        }
        ["LIST", ..] if inbox.has_sent => out.write_all(b"* LIST (\\Sent) \"/\" Sent\r\n")?,
        ["APPEND", .., size] => {
            let size = size.trim_matches(['{', '}']).parse().expect("a size");
            out.write_all(b"+ go on\r\n")?;
            let mut bytes = vec![0; size];
            lines.read_exact(&mut bytes)?;
            lines.read_line(&mut String::new())?;
            inbox.sent.push(bytes);
        }
        ["EXAMINE" | "SELECT", ..] => {
            let (count, validity) = (inbox.messages.len(), inbox.validity);
            let told = format!("* {count} EXISTS\r\n* OK [UIDVALIDITY {validity}] ids\r\n");
            out.write_all(told.as_bytes())?;
        }
        ["UID", "SEARCH", "HEADER", _, id] => {
            let id = id.trim_matches('"');
            let has_id = |mail: &&Vec<u8>| String::from_utf8_lossy(mail).contains(id);
            let found = inbox.sent.iter().filter(has_id).count();
            write!(out, "* SEARCH")?;
            for uid in 1..=found {
                write!(out, " {uid}")?;
            }
            write!(out, "\r\n")?;
        }
        ["UID", "SEARCH", "ALL"] => match inbox.fault {
            Fault::RefusesSearch => return Ok(Some("NO [UNAVAILABLE] not now")),
            Fault::HangsUpAtSearch => return Ok(None),
            Fault::None
            | Fault::RefusesBody(_)
            | Fault::HangsUpBefore(_)
            | Fault::Forgets(_)
            | Fault::IsNil(_)
            | Fault::RefusesAbove(_) => {
                let uids = inbox.messages.iter().map(|held| held.uid.to_string());
                let uids: Vec<String> = uids.collect();
                write!(out, "* SEARCH {}\r\n", uids.join(" "))?;
            }
        },
        ["UID", "FETCH", set, ..] => return fetch(out, inbox, (set, command)),
        ["LOGOUT"] => {
            inbox.sign_outs += 1;
            out.write_all(b"* BYE\r\n")?;
        }
        _ => {}
    }
    Ok(Some("OK done"))
}

/// Tells messages; returns how the answer ends. None: it hangs up.
fn fetch(
    out: &mut TcpStream,
    inbox: &Inbox,
    (set, command): (&str, &str),
) -> std::io::Result<Option<&'static str>> {
    let ranges: Vec<(u32, u32)> = set
        .split(',')
        .map(|range| {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            let number = |text: &str| text.parse().expect("a number");
            (number(first), number(last))
        })
        .collect();
    let is_asked = |uid: u32| {
        ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&uid))
    };
    let is_body = command.contains("BODY");
    for held in inbox.messages.iter().filter(|held| is_asked(held.uid)) {
        let Held {
            uid,
            arrived,
            bytes,
        } = held;
        match inbox.fault {
            Fault::RefusesBody(bad) if is_body && bad == *uid => {
                return Ok(Some("NO [SERVERBUG] that message is damaged"));
            }
            Fault::HangsUpBefore(bad) if is_body && bad == *uid => return Ok(None),
            Fault::RefusesAbove(last) if is_body && *uid > last => {
                return Ok(Some("NO [SERVERBUG] that message is damaged"));
            }
            Fault::Forgets(bad) if is_body && bad == *uid => continue,
            Fault::IsNil(bad) if is_body && bad == *uid => {
                write!(out, "* {uid} FETCH (UID {uid} BODY[] NIL)\r\n")?;
                continue;
            }
            Fault::None
            | Fault::RefusesBody(_)
            | Fault::HangsUpBefore(_)
            | Fault::RefusesSearch
            | Fault::HangsUpAtSearch
            | Fault::Forgets(_)
            | Fault::IsNil(_)
            | Fault::RefusesAbove(_) => {}
        }
        if is_body {
            write!(
                out,
                "* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n",
                bytes.len()
            )?;
            out.write_all(bytes)?;
            out.write_all(b")\r\n")?;
        } else {
            let size = bytes.len();
            write!(
                out,
                "* {uid} FETCH (UID {uid} FLAGS () INTERNALDATE \"{arrived}\" RFC822.SIZE {size})\r\n"
            )?;
        }
    }
    Ok(Some("OK done"))
}
