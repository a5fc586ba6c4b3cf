//! A real Dovecot of a test's own.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::program::{Home, Ran};

const RIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rigs/dovecot.sh");

/// A Dovecot of its own with the mail of `support`.
pub(crate) struct Dovecot {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) plain: String,
    pub(crate) tls: String,
    pub(crate) ca: String,
}

impl Dovecot {
    pub(crate) fn start() -> Self {
        Self::start_in(&[])
    }

    /// One that also takes tokens which the service at `introspection` calls good, in these ways.
    pub(crate) fn start_with_tokens(introspection: &str, ways: &str) -> Self {
        Self::start_in(&[
            ("RIG_INTROSPECTION", introspection),
            ("RIG_TOKEN_WAYS", ways),
        ])
    }

    fn start_in(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.path(), open).expect("others may enter");
        }
        let started = Command::new(RIG)
            .arg("start")
            .arg(folder.path().join("dovecot"))
            .envs(variables.iter().copied())
            .output()
            .expect("the rig runs");
        let said = String::from_utf8_lossy(&started.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&started.stderr);
        assert!(started.status.success(), "{complaint}");
        let words: Vec<&str> = said.split_whitespace().collect();
        let dovecot = Self {
            plain: words[0].to_owned(),
            tls: words[1].to_owned(),
            ca: words[2].to_owned(),
            folder,
        };
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(dovecot.maildir().join(part)).expect("a folder");
        }
        dovecot.hand_over();
        dovecot
    }

    /// Lets the server forget the numbers of its messages: it counts them anew (UIDVALIDITY).
    pub(crate) fn count_anew(&self) {
        for entry in fs::read_dir(self.maildir()).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            if name.starts_with("dovecot") {
                fs::remove_file(&path).expect("the server's numbers are forgotten");
            }
        }
        // It takes new numbers from the time, in seconds.
        std::thread::sleep(std::time::Duration::from_millis(1_100));
    }

    pub(crate) fn maildir(&self) -> PathBuf {
        self.folder.path().join("dovecot/mail/support")
    }

    /// Puts a mail into the inbox, or into Sent.
    pub(crate) fn put(&self, folder: &str, name: &str, flags: &str, bytes: &[u8]) {
        let cur = self.maildir().join(folder).join("cur");
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.maildir().join(folder).join(part)).expect("a folder");
        }
        fs::write(cur.join(format!("{name}:2,{flags}")), bytes).expect("a mail");
        self.hand_over();
    }

    /// The server reads mail as a user of its own when root runs it.
    pub(crate) fn hand_over(&self) {
        let given = Command::new("chown")
            .args(["-R", "mail:mail"])
            .arg(self.folder.path().join("dovecot/mail"))
            .stderr(Stdio::null())
            .status();
        // Without root the server is this user.
        drop(given);
    }

    /// Adds the mailbox to a desk's config.
    pub(crate) fn join(&self, home: &Home, url: &str, password: &str) -> Ran {
        let command = format!("printf {password}");
        let mut args = vec!["account", "add", "support@acme.test", "--imap", url];
        args.extend(["--user", "support", "--since", "all", "--json"]);
        args.extend(["--password-command", &command, "--ca", &self.ca]);
        home.run(&args)
    }

    /// Ends the server and starts it again on the same ports, with the same mail.
    pub(crate) fn restart(&self) {
        let place = self.folder.path().join("dovecot");
        let restarted = Command::new(RIG).arg("restart").arg(place).status();
        assert!(restarted.expect("the rig runs").success());
    }

    /// Breaks every connection off.
    pub(crate) fn kick(&self) {
        let config = self.folder.path().join("dovecot/dovecot.conf");
        let kicked = Command::new("doveadm")
            .arg("-c")
            .arg(config)
            .args(["kick", "support"])
            .status();
        assert!(kicked.expect("doveadm is there").success());
    }

    pub(crate) fn tls_url(&self) -> String {
        format!("imaps://localhost:{}", self.tls)
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let place = self.folder.path().join("dovecot");
        drop(Command::new(RIG).arg("stop").arg(place).status());
    }
}

/// A mail that arrived so many days ago.
pub(crate) fn mail(id: u32, days: i64, more: &str) -> Vec<u8> {
    let at = jiff::Zoned::now()
        .checked_sub(jiff::Span::new().days(days))
        .expect("a time");
    let date = jiff::fmt::rfc2822::to_string(&at).expect("a date");
    format!(
        "From: Maya Chen <maya@northbend.test>\r\nTo: support@acme.test\r\nSubject: Parcel {id}\r\n\
         Message-ID: <m{id}@northbend.test>\r\nDate: {date}\r\n{more}\r\nWhere is it? {id}\r\n"
    )
    .into_bytes()
}
