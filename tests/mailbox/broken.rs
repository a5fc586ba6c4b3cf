//! Connections that break anywhere, and a disk that is full: the next sync neither loses nor
//! doubles.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{Dovecot, Home, filed, mail};

/// Passes bytes on to a server and hangs up after so many of its own.
fn cutter(server: &str) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let budget = Arc::new(AtomicU64::new(u64::MAX));
    let (left, server) = (Arc::clone(&budget), format!("127.0.0.1:{server}"));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let upstream = TcpStream::connect(&server).expect("the server");
            let budget = left.load(Ordering::SeqCst);
            let (from, to) = (
                upstream.try_clone().expect("a pipe"),
                client.try_clone().expect("a pipe"),
            );
            thread::spawn(move || pass(client, upstream, u64::MAX));
            thread::spawn(move || pass(from, to, budget));
        }
    });
    (port, budget)
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut budget: u64) {
    let mut buffer = [0; 4096];
    while budget > 0 {
        let Ok(read @ 1..) = from.read(&mut buffer) else {
            break;
        };
        let kept = usize::try_from(budget).map_or(read, |left| left.min(read));
        budget -= kept as u64;
        if to.write_all(&buffer[..kept]).is_err() {
            break;
        }
    }
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn a_connection_that_breaks_anywhere_loses_and_doubles_nothing() {
    let dovecot = Dovecot::start();
    for id in 1..=200 {
        dovecot.put("", &id.to_string(), "", &mail(id, i64::from(id % 9), ""));
    }
    let (port, budget) = cutter(&dovecot.plain);
    let home = Home::new();
    let url = format!("imap://127.0.0.1:{port}");
    assert_eq!(dovecot.join(&home, &url, "rig-password").code, 0);

    let mut broken = 0;
    // Steps without a common measure, from the greeting to past the last body.
    for step in 0..30_u64 {
        budget.store(step * step * 137 % 140_000 + step, Ordering::SeqCst);
        let ran = home.run(&["sync"]);
        broken += u32::from(ran.code != 0);
        assert!(!ran.stderr.contains("rig-password"), "{}", ran.stderr);
    }
    budget.store(u64::MAX, Ordering::SeqCst);
    let last = home.run(&["sync", "--json"]);

    assert!(broken > 5, "only {broken} of 30 connections broke");
    assert_eq!(last.code, 0, "{}", last.stderr);
    let all = filed(&home);
    assert_eq!(all.len(), 200);
    assert!(all.values().all(|(_, messages, _)| messages.len() == 1));
}

/// A folder on a disk of its own, so small that it fills up.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn of(megabytes: u32, at: std::path::PathBuf) -> Self {
        fs::create_dir_all(&at).expect("a folder");
        let size = format!("size={megabytes}m,mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&at)
            .status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "a small disk needs root: run the tests against real servers as root"
        );
        Self(at)
    }

    fn grow(&self, megabytes: u32) {
        let size = format!("remount,size={megabytes}m");
        let grown = Command::new("mount")
            .args(["-o", &size])
            .arg(&self.0)
            .status();
        assert!(grown.is_ok_and(|status| status.success()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
#[ignore = "needs a Dovecot and root: tests/run installs it"]
fn a_full_disk_is_said_and_the_rest_comes_when_there_is_room() {
    let dovecot = Dovecot::start();
    let filler = format!(
        "\r\n{}",
        "a line of seventy letters, more or less, to fill a disk\r\n".repeat(700)
    );
    for id in 1..=120 {
        dovecot.put(
            "",
            &id.to_string(),
            "",
            &[mail(id, 1, ""), filler.clone().into_bytes()].concat(),
        );
    }
    let home = Home::new();
    let disk = SmallDisk::of(4, home.data());
    assert_eq!(
        dovecot.join(&home, &dovecot.tls_url(), "rig-password").code,
        0
    );

    let full = home.run(&["sync"]);
    assert_eq!(full.code, 1, "{}{}", full.stdout, full.stderr);
    let said = full.stderr.to_lowercase();
    assert!(said.contains("full") || said.contains("no space"), "{said}");

    disk.grow(64);
    let rest = home.run(&["sync", "--json"]);
    assert_eq!(rest.code, 0, "{}", rest.stderr);
    let all = filed(&home);
    assert_eq!(all.len(), 120);
    assert!(all.values().all(|(_, messages, _)| messages.len() == 1));
}
