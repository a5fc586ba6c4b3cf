//! A mail server of a few words that fails when a test says so.

use std::{
    io::{BufRead as _, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::{Home, program::Ran};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
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
}

/// One message of the inbox.
pub(super) struct Held {
    pub(super) uid: u32,
    /// ` 1-Feb-2025 21:52:25 +0100`.
    pub(super) arrived: String,
    pub(super) bytes: Vec<u8>,
}

/// What the server has.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) validity: u32,
    pub(super) messages: Vec<Held>,
    pub(super) fault: Fault,
    /// How often somebody signed in.
    pub(super) sign_ins: u32,
}

/// The server.
pub(super) struct Fake {
    port: u16,
    inbox: Arc<Mutex<Inbox>>,
}

impl Fake {
    pub(super) fn start() -> Self {
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

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Inbox) -> T) -> T {
        act(&mut self.inbox.lock().expect("no panic"))
    }

    /// Puts a message into the inbox that arrived so many days ago.
    pub(super) fn put(&self, uid: u32, days: i64, bytes: Vec<u8>) {
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
    pub(super) fn join(&self, home: &Home) -> Ran {
        let url = format!("imap://127.0.0.1:{}", self.port);
        let mut args = vec!["account", "add", "support@acme.test", "--imap", &url];
        args.extend(["--user", "support", "--since", "all", "--json"]);
        args.extend(["--password-command", "printf rig-password"]);
        home.run(&args)
    }
}

fn talk(stream: &TcpStream, inbox: &Mutex<Inbox>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    out.write_all(b"* OK hello\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let mut inbox = inbox.lock().expect("no panic");
        let words: Vec<&str> = command.split(' ').collect();
        let end = match words[..] {
            ["CAPABILITY"] => {
                out.write_all(b"* CAPABILITY IMAP4rev1\r\n")?;
                "OK done"
            }
            ["LOGIN", ..] => {
                inbox.sign_ins += 1;
                "OK done"
            }
            ["EXAMINE" | "SELECT", ..] => {
                let (count, validity) = (inbox.messages.len(), inbox.validity);
                write!(
                    out,
                    "* {count} EXISTS\r\n* OK [UIDVALIDITY {validity}] ids\r\n"
                )?;
                "OK done"
            }
            ["UID", "SEARCH", ..] => match inbox.fault {
                Fault::RefusesSearch => "NO [UNAVAILABLE] not now",
                Fault::HangsUpAtSearch => return Ok(()),
                _ => {
                    let uids = inbox.messages.iter().map(|held| held.uid.to_string());
                    let uids: Vec<String> = uids.collect();
                    write!(out, "* SEARCH {}\r\n", uids.join(" "))?;
                    "OK done"
                }
            },
            ["UID", "FETCH", set, ..] => match fetch(&mut out, &inbox, (set, command))? {
                Some(end) => end,
                None => return Ok(()),
            },
            ["LOGOUT"] => {
                return write!(out, "* BYE\r\n{tag} OK bye\r\n");
            }
            _ => "OK done",
        };
        write!(out, "{tag} {end}\r\n")?;
    }
    Ok(())
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
            Fault::Forgets(bad) if is_body && bad == *uid => continue,
            _ => {}
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
