//! A mail server that goes wrong on demand: what a real one does once a year, here every time.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What the server does with a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it.
    Takes,
    /// Takes it, and tells in reports to whom it was written if it is told so.
    TakesAndReports,
    /// Takes it and says so a second later.
    TakesSlowly,
    /// Takes it and never says so.
    TakesAndKeepsSilent,
    /// Takes it and breaks off before it says so.
    TakesAndBreaksOff,
    /// Breaks off in the middle of the text.
    BreaksOffInTheText,
    /// Puts the recipient off.
    PutsOff,
    /// Refuses the recipient for good.
    RefusesRecipient,
    /// Refuses the text for good.
    RefusesText,
}

/// A server and the mails it took, each with its recipients.
pub(crate) struct Smtp {
    pub(crate) port: u16,
    pub(crate) manner: Arc<Mutex<Manner>>,
    pub(crate) taken: Arc<Taken>,
}

impl Smtp {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Self {
            port: listener.local_addr().expect("an address").port(),
            manner: Arc::new(Mutex::new(manner)),
            taken: Arc::default(),
        };
        let (manner, taken) = (Arc::clone(&server.manner), Arc::clone(&server.taken));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let manner = *manner.lock().expect("no panic");
                let taken = Arc::clone(&taken);
                thread::spawn(move || drop(talk(stream, manner, &taken)));
            }
        });
        server
    }

    pub(crate) fn turn(&self, manner: Manner) {
        *self.manner.lock().expect("no panic") = manner;
    }

    pub(crate) fn count(&self) -> usize {
        self.taken.lock().expect("no panic").len()
    }
}

/// Mails, each with its recipients.
type Taken = Mutex<Vec<(Vec<String>, String)>>;

fn talk(stream: TcpStream, manner: Manner, taken: &Taken) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes());
    say("220 rig ready")?;
    let mut recipients = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let word = line.trim_end().to_owned();
        line.clear();
        let upper = word.to_ascii_uppercase();
        if upper.starts_with("EHLO") {
            let reports = (manner == Manner::TakesAndReports).then_some("250-DSN\r\n");
            let reports = reports.unwrap_or_default();
            say(&format!("250-rig\r\n{reports}250-8BITMIME\r\n250 SMTPUTF8"))?;
        } else if upper.starts_with("RCPT") {
            match manner {
                Manner::PutsOff => say("450 4.2.0 Come again")?,
                Manner::RefusesRecipient => say("550 5.1.1 Nobody of that name")?,
                Manner::Takes
                | Manner::TakesAndReports
                | Manner::TakesSlowly
                | Manner::TakesAndKeepsSilent
                | Manner::TakesAndBreaksOff
                | Manner::BreaksOffInTheText
                | Manner::RefusesText => {
                    recipients.push(word);
                    say("250 ok")?;
                }
            }
        } else if upper == "DATA" {
            say("354 go on")?;
            let Some(text) = text(&mut reader, manner)? else {
                return Ok(());
            };
            match manner {
                Manner::RefusesText => say("554 5.7.1 Not this")?,
                Manner::TakesAndBreaksOff => {
                    taken.lock().expect("no panic").push((recipients, text));
                    return Ok(());
                }
                Manner::Takes
                | Manner::TakesAndReports
                | Manner::TakesSlowly
                | Manner::TakesAndKeepsSilent
                | Manner::BreaksOffInTheText
                | Manner::PutsOff
                | Manner::RefusesRecipient => {
                    let to = std::mem::take(&mut recipients);
                    taken.lock().expect("no panic").push((to, text));
                    thread::sleep(silence(manner));
                    say("250 2.0.0 queued")?;
                }
            }
        } else if upper == "QUIT" {
            return say("221 bye");
        } else {
            say("250 ok")?;
        }
    }
    Ok(())
}

/// Returns how long nothing is said of a mail that was taken.
fn silence(manner: Manner) -> Duration {
    if manner == Manner::TakesSlowly {
        Duration::from_secs(1)
    } else if manner == Manner::TakesAndKeepsSilent {
        Duration::from_mins(5)
    } else {
        Duration::ZERO
    }
}

fn text(reader: &mut BufReader<TcpStream>, manner: Manner) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if manner == Manner::BreaksOffInTheText {
            return Ok(None);
        }
        if line == ".\r\n" {
            return Ok(Some(text));
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        line.clear();
    }
    Ok(None)
}
