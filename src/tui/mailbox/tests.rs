//! The steps to a mailbox, key by key.

use ratatui::{buffer::Buffer, layout::Rect};
use secrecy::ExposeSecret as _;

use super::{After, MailboxScreen, Stage, view};
use crate::{
    config::{Since, theme::ThemeName},
    desk::servers::{Offer, Origin, Servers},
    domain::{Login, MailServer, sign_in::Service},
    tui::event::Trouble,
};

fn servers(imap: &str, smtp: &str) -> Servers {
    let offer = |server: MailServer, origin| Offer {
        server,
        user: None,
        origin,
    };
    Servers {
        imap: offer(MailServer::imap(imap).unwrap(), Origin::Srv),
        smtp: Some(offer(MailServer::smtp(smtp).unwrap(), Origin::Autoconfig)),
    }
}

fn shown(screen: &MailboxScreen) -> String {
    shown_in(screen, 80, 20)
}

fn shown_in(screen: &MailboxScreen, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    view::draw(&mut buffer, area, screen, &ThemeName::Mono.theme());
    let cells = buffer.content.chunks(usize::from(width));
    cells
        .map(|row| {
            row.iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
        })
        .map(|row| row.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

fn looking() -> MailboxScreen {
    let mut screen = MailboxScreen::open();
    screen.paste("support@acme.test");
    assert!(matches!(screen.enter(), After::Find(address) if address == "support@acme.test"));
    screen
}

#[test]
fn the_servers_are_shown_with_who_named_them_and_the_password_is_stars() {
    let mut screen = looking();
    let found = servers("imaps://imap.acme.test", "smtps://smtp.acme.test");
    screen.found("support@acme.test", Ok(found));
    assert_eq!(screen.stage, Stage::Since);
    screen.paste("8w");
    assert!(matches!(screen.enter(), After::Stay));
    screen.paste("s3cret");

    let picture = shown(&screen);
    let added = screen.enter();

    insta::assert_snapshot!(picture);
    assert!(!picture.contains("s3cret"));
    let After::Add(account, password) = added else {
        panic!("{added:?}");
    };
    assert_eq!(password.expose_secret(), "s3cret");
    assert_eq!(account.imap.to_string(), "imaps://imap.acme.test:993");
    assert_eq!(account.since, Since::Days(56));
    assert_eq!(screen.stage, Stage::Trying);
    assert!(!format!("{screen:?}").contains("s3cret"));
}

#[test]
fn a_host_outside_the_domain_is_asked_about_first() {
    let mut screen = looking();
    let found = servers("imaps://imap.hoster.test", "smtps://smtp.hoster.test");
    screen.found("support@acme.test", Ok(found));

    assert_eq!(screen.stage, Stage::Agree);
    assert!(matches!(screen.enter(), After::Stay));
    assert_eq!(screen.stage, Stage::Agree, "Enter alone agrees to nothing");
    insta::assert_snapshot!(shown(&screen));
    screen.press("y".parse::<crate::config::chord::Sequence>().unwrap().0[0]);
    assert_eq!(screen.stage, Stage::Since);
}

#[test]
fn where_nothing_is_found_the_servers_are_named_by_hand() {
    let mut screen = looking();
    screen.found("other@acme.test", Err(Trouble::new("too late")));
    assert_eq!(
        screen.stage,
        Stage::Looking,
        "an answer about another address"
    );
    let none = Trouble::new("No server with the mail of support@acme.test was found.");
    screen.found("support@acme.test", Err(none));
    assert!(shown(&screen).contains("imaps://imap.acme.test:993"));
    assert!(shown(&screen).contains("No server with the mail"));
    screen.paste("nonsense");
    screen.enter();
    assert!(shown(&screen).contains("names no server"));
    screen.line.take();
    screen.paste("imap://127.0.0.1:1143");
    screen.enter();
    screen.line.take();
    screen.enter();
    screen.enter();
    screen.paste("pw");

    let After::Add(account, _) = screen.enter() else {
        panic!("{screen:?}");
    };
    assert_eq!(account.imap.to_string(), "imap://127.0.0.1:1143");
    assert_eq!(account.sending.smtp, None);

    screen.failed("the server refused the password, and said much of it. ".repeat(9));
    assert_eq!(screen.stage, Stage::Password);
    let small = shown_in(&screen, 60, 14);
    assert!(small.contains("refused the password"), "{small}");
    assert!(
        small.contains("│ Enter go on   Esc back to the steps"),
        "{small}"
    );
}

fn key(screen: &mut MailboxScreen, key: &str) {
    screen.press(key.parse::<crate::config::chord::Sequence>().unwrap().0[0]);
}

#[test]
fn where_a_password_may_be_refused_a_token_is_offered_and_the_code_is_shown() {
    let mut screen = looking();
    let found = servers("imaps://outlook.office365.com", "smtp://smtp.office365.com");
    screen.found("support@acme.test", Ok(found));
    key(&mut screen, "y");
    screen.enter();
    assert_eq!(screen.stage, Stage::Way);
    assert!(shown(&screen).contains("t token   p password"));
    key(&mut screen, "t");
    assert!(matches!(screen.enter(), After::Stay), "an id is needed");
    screen.paste("1111-2222");

    let After::SignIn(account) = screen.enter() else {
        panic!("{screen:?}");
    };
    let Login::SignIn(sign_in) = &account.login else {
        panic!("{:?}", account.login);
    };
    assert_eq!(
        (sign_in.service, sign_in.client_id.as_str()),
        (Service::Microsoft, "1111-2222")
    );
    assert_eq!(account.address, "support@acme.test");
    screen.must_do(
        "https://microsoft.test/device".to_owned(),
        Some("ABCD-EFGH".to_owned()),
    );
    insta::assert_snapshot!(shown(&screen));
    screen.failed("the service said no".to_owned());
    assert_eq!(
        (screen.stage, screen.line.text()),
        (Stage::ClientId, "1111-2222")
    );
}

#[test]
fn the_secret_of_an_id_comes_from_a_command() {
    let mut screen = looking();
    let found = servers("imaps://imap.gmail.com", "smtps://smtp.gmail.com");
    screen.found("support@acme.test", Ok(found));
    key(&mut screen, "y");
    screen.enter();
    key(&mut screen, "t");
    screen.paste("1234-abcd");
    screen.enter();
    assert_eq!(screen.stage, Stage::Secret);
    screen.paste("pass 'show");
    assert!(matches!(screen.enter(), After::Stay), "an open quote");
    screen.line.take();
    screen.paste("GOCSPX-0123456789");
    assert!(matches!(screen.enter(), After::Stay), "the secret itself");
    assert!(!shown(&screen).contains("GOCSPX"), "{}", shown(&screen));
    screen.paste("pass show google/deskhand");

    let After::SignIn(account) = screen.enter() else {
        panic!("{screen:?}");
    };
    let Login::SignIn(sign_in) = account.login else {
        panic!("{screen:?}");
    };
    let words = ["pass", "show", "google/deskhand"].map(str::to_owned);
    assert_eq!(sign_in.client_secret.as_deref(), Some(&words[..]));
}

#[test]
fn a_password_may_be_given_all_the_same() {
    let mut screen = looking();
    let found = servers("imaps://imap.gmail.com", "smtps://smtp.gmail.com");
    screen.found("support@acme.test", Ok(found));
    key(&mut screen, "y");
    screen.enter();
    key(&mut screen, "p");
    screen.paste("an app password");
    assert!(matches!(screen.enter(), After::Add(..)));
}

#[test]
fn the_steps_fit_the_usual_and_the_smallest_terminal() {
    use crate::{
        config::action::Action,
        tui::{acts, fixture::sized, screens::shown},
    };
    for (name, width, height) in [("usual", 80, 24), ("smallest", 60, 16)] {
        let mut model = sized(width, height, false);
        acts::act(&mut model, Action::SetUp);
        insta::assert_snapshot!(name, shown(&model));
    }
}

/// The queue is full of what a mailbox brought.
#[test]
fn only_mail_from_files_makes_the_step_of_files_a_done_one() {
    use crate::{
        config::action::Action,
        tui::{
            acts,
            event::{Done, Msg},
            fixture::{now, sized},
            screens::shown,
            setup::MailSources,
            update::update,
        },
    };
    for has_files in [false, true] {
        let mut model = sized(80, 24, false);
        acts::act(&mut model, Action::SetUp);
        let sources = MailSources {
            accounts: vec!["support@acme.test".to_owned()],
            has_files,
        };
        update(&mut model, Msg::Done(Done::Accounts(sources)), now());

        let screen = shown(&model);

        assert!(screen.contains("ok 1. Your mailbox"), "{screen}");
        let is_done = screen.contains("ok 4. Tickets from files");
        assert_eq!(is_done, has_files, "{screen}");
    }
}
