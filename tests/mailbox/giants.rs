//! Marks that go to the server, and messages too large to come by themselves.

use std::fs;

use super::{Dovecot, Home, mail};

/// Returns the flags of the inbox's mails, by the names of their files.
fn flags(dovecot: &Dovecot) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dovecot.maildir().join("cur"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn what_is_read_at_the_desk_is_marked_on_the_server() {
    let dovecot = Dovecot::start();
    for id in 1..=2 {
        dovecot.put("", &id.to_string(), "", &mail(id, 2, ""));
    }
    let home = Home::new();
    let joined = dovecot.join(&home, &dovecot.tls_url(), "rig-password");
    assert_eq!(joined.code, 0, "{}", joined.stderr);
    home.run(&["sync", "--json"]);
    let listed = home.run(&["tickets", "--json"]);
    let first = listed
        .lines()
        .into_iter()
        .find(|line| line["subject"] == "Parcel 1")
        .expect("it is listed");
    let number = first["number"].to_string();

    assert_eq!(home.run(&["set", &number, "seen"]).code, 0);
    assert_eq!(home.run(&["sync", "--json"]).code, 0);

    let flags = flags(&dovecot);
    assert!(flags[0].ends_with(":2,S"), "{flags:?}");
    assert!(flags[1].ends_with(":2,"), "{flags:?}");
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn a_giant_comes_when_somebody_wants_it() {
    let dovecot = Dovecot::start();
    let mut giant = mail(
        1,
        1,
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
    );
    giant.extend(b"--b\r\nContent-Type: text/plain\r\n\r\nThe whole story.\r\n");
    giant.extend(b"--b\r\nContent-Type: application/pdf; name=\"big.pdf\"\r\n");
    giant.extend(b"Content-Disposition: attachment; filename=\"big.pdf\"\r\n\r\n");
    for _ in 0..400_000 {
        giant.extend([b'x'; 70]);
        giant.extend(b"\r\n");
    }
    giant.extend(b"--b--\r\n");
    dovecot.put("", "1", "", &giant);
    let home = Home::new();
    let joined = dovecot.join(&home, &dovecot.tls_url(), "rig-password");
    assert_eq!(joined.code, 0, "{}", joined.stderr);
    home.run(&["sync", "--json"]);

    let before = home.run(&["show", "1", "--json"]).json();
    let message = &before["messages"][0];
    assert_eq!(message["hints"][0]["hint"], "left_there", "{message}");
    assert_eq!(message["attachments"].as_array().map(Vec::len), Some(0));

    let fetched = home.run(&["files", "1", "--fetch", "--json"]);

    assert_eq!(fetched.code, 0, "{}", fetched.stderr);
    assert_eq!(fetched.json()["name"], "big.pdf");
    let after = home.run(&["show", "1", "--json"]).json();
    let message = &after["messages"][0];
    assert!(message["text"].to_string().contains("The whole story."));
    assert_eq!(message["hints"].as_array().map(Vec::len), Some(0));
    let synced = home.run(&["sync", "--json"]).json();
    assert_eq!(
        (&synced["imported"], &synced["duplicates"]),
        (&0.into(), &0.into())
    );
    // Its headers alone are new to a server that counts anew; it is known again.
    dovecot.count_anew();
    let renumbered = home.run(&["sync", "--json"]).json();
    assert_eq!(
        (&renumbered["imported"], &renumbered["duplicates"]),
        (&0.into(), &1.into()),
        "{renumbered}"
    );
    let none = home.run(&["files", "1", "--fetch"]);
    assert!(
        none.stderr.contains("Nothing of this ticket"),
        "{}",
        none.stderr
    );
}
