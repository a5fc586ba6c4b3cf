//! Signing in with tokens, whole: the program, a real keyring, a real Dovecot that asks the service
//! which tokens are good, and a real Postfix behind the same.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a test may panic, and waits for other processes"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "signing in needs a part of it")]
mod program;

#[path = "common/keyring.rs"]
mod keyring;

#[path = "common/dovecot.rs"]
#[expect(dead_code, reason = "signing in needs a part of it")]
mod dovecot;

#[path = "common/service.rs"]
mod service;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use deskhand::{
    config::paths::{Overrides, Paths},
    desk::{Mode, Opening, Patience},
};
use dovecot::{Dovecot, mail};
use program::{Home, Ran};
use service::{CLIENT, Service, get, say_yes};
use tokio_util::sync::CancellationToken;

const ADDRESS: &str = "support@acme.test";
const POSTFIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rigs/postfix.sh");

fn has_keyring(test: &str) -> bool {
    keyring::is_in("unlocked", test)
}

/// A desk beside the keyring of this session.
struct Desk {
    home: Home,
}

impl Desk {
    fn new() -> Self {
        Self { home: Home::new() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command();
        for name in ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"] {
            command.env(name, std::env::var_os(name).unwrap_or_default());
        }
        let path = std::env::var("PATH").expect("a path");
        command
            .env(
                "PATH",
                format!("{}:{path}", self.home.path("bin").display()),
            )
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("it runs");
        Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Runs what waits for a person, and what the person does meanwhile.
    fn run_beside(&self, args: &[&str], person: impl FnOnce()) -> Ran {
        let child = self.command(args).spawn().expect("it starts");
        person();
        let output = child.wait_with_output().expect("it ends");
        Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// The account of a service of its own.
    fn account(&self, service: &Service, dovecot: &Dovecot, (way, more): (&str, &str)) {
        let (place, token) = (service.url(way), service.url("token"));
        let key = if way == "device" { "device" } else { "browser" };
        self.home.config(&format!(
            "[accounts.\"{ADDRESS}\"]\nimap = \"{}\"\nca = \"{}\"\nsince = \"all\"\n\
             client_id = \"{CLIENT}\"\n\
             login = {{ {key} = \"{place}\", token = \"{token}\", scope = \"mail\" }}\n{more}\n",
            dovecot.tls_url(),
            dovecot.ca,
        ));
    }
}

fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "waited for {what}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the files below a folder that hold one of these words: config, database, log.
fn files_with(folder: &Path, words: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, words));
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            found.extend(words.iter().any(|word| text.contains(word)).then_some(path));
        }
    }
    found
}

/// A Postfix beside a Dovecot; ends with it.
struct Postfix<'d> {
    dovecot: &'d Dovecot,
    submission: String,
}

impl<'d> Postfix<'d> {
    fn start(dovecot: &'d Dovecot) -> Self {
        let place = dovecot.folder.path().join("dovecot");
        let started = Command::new(POSTFIX).arg("start").arg(place).output();
        let started = started.expect("the rig runs");
        assert!(
            started.status.success(),
            "{}",
            String::from_utf8_lossy(&started.stderr)
        );
        let said = String::from_utf8_lossy(&started.stdout).into_owned();
        let submission = said.split_whitespace().nth(1).expect("a port").to_owned();
        Self {
            dovecot,
            submission,
        }
    }
}

impl Drop for Postfix<'_> {
    fn drop(&mut self) {
        let place = self.dovecot.folder.path().join("dovecot");
        drop(Command::new(POSTFIX).arg("stop").arg(place).status());
    }
}

#[test]
#[ignore = "needs a Dovecot, a Postfix and a keyring: tests/run installs them"]
fn a_code_signs_in_and_the_token_renews_itself_for_reading_and_sending() {
    if !has_keyring("a_code_signs_in_and_the_token_renews_itself_for_reading_and_sending") {
        return;
    }
    for way in ["oauthbearer", "xoauth2"] {
        let service = Service::start();
        let dovecot = Dovecot::start_with_tokens(&service.url("introspect"), way);
        let postfix = Postfix::start(&dovecot);
        dovecot.put("", "1", "", &mail(1, 0, ""));
        let desk = Desk::new();
        let smtp = format!("smtp = \"smtp://localhost:{}\"", postfix.submission);
        desk.account(&service, &dovecot, ("device", &smtp));

        let early = desk.run(&["account", "test", ADDRESS]);
        let signed_in = desk.run_beside(&["account", "login", ADDRESS, "--json"], || {
            until("the code", || service.with(|memory| memory.pending > 0));
            service.with(|memory| memory.approved = true);
        });
        // A token that is dead when it comes is renewed once more, for reading and for sending.
        service.with(|memory| memory.stillborn = 1);
        let synced = desk.run(&["sync", "--json"]);
        let replied = desk.home.run_with(
            &["reply", "1", "--text", "-", "--hold", "0"],
            "It comes tomorrow.",
        );
        service.with(|memory| memory.stillborn = 1);
        let sent = desk.run(&["outbox", "send", "--json"]);
        let tested = desk.run(&["account", "test", ADDRESS]);

        assert!(
            early.stderr.contains("account login support@acme.test"),
            "{}",
            early.stderr
        );
        assert_eq!(signed_in.code, 0, "{way}: {}", signed_in.stderr);
        assert!(
            signed_in.stderr.contains("ABCD-EFGH"),
            "{}",
            signed_in.stderr
        );
        assert_eq!(signed_in.json()["messages"], 1);
        assert_eq!(synced.code, 0, "{way}: {}", synced.stderr);
        assert_eq!(synced.json()["imported"], 1);
        assert_eq!(replied.code, 0, "{}", replied.stderr);
        assert_eq!(
            sent.json()["sent"].as_array().map(Vec::len),
            Some(1),
            "{way}: {} {}",
            sent.stdout,
            sent.stderr
        );
        assert_eq!(tested.code, 0, "{way}: {}", tested.stderr);
        let log = fs::read_to_string(dovecot.folder.path().join("dovecot/log")).expect("a log");
        assert!(
            log.to_lowercase().contains(&format!("method={way}")),
            "{log}"
        );
        let renewals = service.with(|memory| memory.renewals);
        println!("{way}: renewed {renewals} times without a person");
        assert!(renewals >= 5, "{renewals}");
        let leaked = files_with(&desk.home.path(""), &["refresh-", "access-"]);
        assert!(leaked.is_empty(), "a token stands in {leaked:?}");
    }
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn a_sign_in_that_is_refused_is_named_and_other_accounts_go_on() {
    if !has_keyring("a_sign_in_that_is_refused_is_named_and_other_accounts_go_on") {
        return;
    }
    let service = Service::start();
    let dovecot = Dovecot::start_with_tokens(&service.url("introspect"), "xoauth2");
    dovecot.put("", "1", "", &mail(1, 0, ""));
    let desk = Desk::new();
    let other = format!(
        "[accounts.\"a@acme.test\"]\nimap = \"{}\"\nca = \"{}\"\nuser = \"other\"\n\
         password_command = \"printf rig-password\"",
        dovecot.tls_url(),
        dovecot.ca
    );
    desk.account(&service, &dovecot, ("device", &other));
    service.with(|memory| memory.approved = true);
    let signed_in = desk.run(&["account", "login", ADDRESS]);
    assert_eq!(signed_in.code, 0, "{}", signed_in.stderr);

    service.with(|memory| memory.refresh.clear());
    let synced = desk.run(&["sync", "--json"]);
    let doctor = desk.run(&["doctor", "--json"]);
    let removed = desk.run(&["account", "remove", ADDRESS, "--json"]);

    assert_ne!(synced.code, 0);
    let read = synced.lines();
    assert!(
        read.iter().any(|line| line["account"] == "a@acme.test"),
        "{}",
        synced.stdout
    );
    for words in [
        "The sign-in of support@acme.test failed: 127.0.0.1 refused it: invalid_grant",
        "Sign in again: deskhand account login support@acme.test",
    ] {
        assert!(synced.stderr.contains(words), "{}", synced.stderr);
    }
    assert!(!synced.stderr.contains("refresh-"), "{}", synced.stderr);
    assert!(
        doctor.stdout.contains("it is signed in"),
        "{}",
        doctor.stdout
    );
    assert_eq!(removed.json()["password_removed"], true);
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn the_browser_is_opened_and_comes_back() {
    if !has_keyring("the_browser_is_opened_and_comes_back") {
        return;
    }
    let service = Service::start();
    let dovecot = Dovecot::start_with_tokens(&service.url("introspect"), "oauthbearer");
    let desk = Desk::new();
    desk.account(&service, &dovecot, ("authorize", ""));
    let opened = desk.home.path("opened");
    let script_file = desk.home.path("bin/xdg-open");
    fs::create_dir_all(script_file.parent().expect("a folder")).expect("a folder");
    let script = format!(
        "#!/bin/sh\nprintf %s \"$1\" > {0}.part && mv {0}.part {0}\n",
        opened.display()
    );
    fs::write(&script_file, script).expect("a script");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&script_file, fs::Permissions::from_mode(0o755)).expect("it may run");
    }

    let signed_in = desk.run_beside(&["account", "login", ADDRESS], || {
        until("the browser", || opened.exists());
        let page = fs::read_to_string(&opened).expect("a page");
        assert!(get(&say_yes(&page)).contains("You can close this page"));
    });
    let tested = desk.run(&["account", "test", ADDRESS]);

    assert_eq!(signed_in.code, 0, "{}", signed_in.stderr);
    assert!(
        signed_in.stdout.contains("0 messages in the inbox"),
        "{}",
        signed_in.stdout
    );
    assert_eq!(tested.code, 0, "{}", tested.stderr);
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn programs_that_need_a_token_at_the_same_moment_renew_one_after_the_other() {
    if !has_keyring("programs_that_need_a_token_at_the_same_moment_renew_one_after_the_other") {
        return;
    }
    let service = Service::start();
    let dovecot = Dovecot::start_with_tokens(&service.url("introspect"), "xoauth2");
    let desk = Desk::new();
    desk.account(&service, &dovecot, ("device", ""));
    service.with(|memory| memory.approved = true);
    let signed_in = desk.run(&["account", "login", ADDRESS]);
    assert_eq!(signed_in.code, 0, "{}", signed_in.stderr);
    // Long enough for all of them to stand at the service at once, if nothing keeps them apart.
    service.with(|memory| memory.pause = Duration::from_millis(700));

    let programs: Vec<_> = (0..4)
        .map(|_| desk.command(&["account", "test", ADDRESS]).spawn())
        .collect();

    for program in programs {
        let output = program
            .expect("it starts")
            .wait_with_output()
            .expect("it ends");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
    }
    let (renewals, stale) = service.with(|memory| (memory.renewals, memory.stale));
    assert_eq!((renewals, stale), (4, 0), "each token was shown once");
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn a_watch_goes_on_when_somebody_has_signed_in_again_and_renews_on_its_way() {
    if !has_keyring("a_watch_goes_on_when_somebody_has_signed_in_again_and_renews_on_its_way") {
        return;
    }
    let service = Service::start();
    let dovecot = Dovecot::start_with_tokens(&service.url("introspect"), "xoauth2");
    dovecot.put("", "1", "", &mail(1, 0, ""));
    let desk = Desk::new();
    desk.account(&service, &dovecot, ("device", ""));
    service.with(|memory| {
        memory.approved = true;
        memory.seconds = 2;
    });
    let mut watch = desk
        .command(&["sync", "--watch", "--json"])
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("text");

    let signed_in = desk.run(&["account", "login", ADDRESS]);
    let first = next();
    // The token has run out meanwhile; the connection that is made anew needs another.
    thread::sleep(Duration::from_secs(2));
    dovecot.kick();
    dovecot.put("", "2", "", &mail(2, 0, ""));
    let second = next();
    drop(watch.kill());
    drop(watch.wait());
    let mut told = String::new();
    let mut complaint = watch.stderr.take().expect("a pipe");
    complaint.read_to_string(&mut told).expect("text");

    assert_eq!(signed_in.code, 0, "{}", signed_in.stderr);
    assert!(first.contains("\"imported\":1"), "{first}");
    assert!(second.contains("\"imported\":1"), "{second}");
    assert!(
        told.contains("Sign in: deskhand account login support@acme.test"),
        "{told}"
    );
    let renewals = service.with(|memory| memory.renewals);
    assert!(renewals >= 2, "{renewals}: {told}");
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn a_sign_in_whose_account_cannot_be_written_leaves_no_token_behind() {
    if !has_keyring("a_sign_in_whose_account_cannot_be_written_leaves_no_token_behind") {
        return;
    }
    let service = Service::start();
    let dovecot = Dovecot::start_with_tokens(&service.url("introspect"), "xoauth2");
    dovecot.put("", "1", "", &mail(1, 0, ""));
    let here = Desk::new();
    here.account(&service, &dovecot, ("device", ""));
    service.with(|memory| memory.approved = true);
    let file = here.home.path("config.toml");
    let config = fs::read_to_string(&file).expect("a config");
    let open = || {
        let overrides = Overrides {
            config: Some(file.clone()),
            data: Some(here.home.data()),
        };
        deskhand::desk::Desk::open(Opening {
            paths: Paths::find(&overrides).expect("paths"),
            mode: Mode::Real,
            patience: Patience::Command,
        })
    };

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let with = open().await.expect("a desk");
        let mut accounts = with.accounts(Some(ADDRESS)).expect("the account");
        let account = accounts.pop().expect("the account");
        with.close().await;
        fs::write(&file, "").expect("a config");
        let desk = open().await.expect("a desk");
        let stop = CancellationToken::new();
        stop.cancel();
        let stopped = desk.set_up_sign_in(&account, &stop).await;
        assert!(stopped.expect("no error").is_none());
        fs::write(&file, "[[[").expect("a config");

        let set_up = desk
            .set_up_sign_in(&account, &CancellationToken::new())
            .await;

        assert!(set_up.is_err(), "it was written into a broken config");
        desk.close().await;
    });

    fs::write(&file, config).expect("a config");
    let removed = here.run(&["account", "remove", ADDRESS, "--json"]);
    assert_eq!(
        removed.json()["password_removed"],
        false,
        "{}",
        removed.stderr
    );
}
