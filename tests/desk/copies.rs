//! Copies in the folder of sent mail, beside the replies that leave.

use std::{net::TcpListener, thread};

use deskhand::{
    desk::send::ReplyAsk,
    domain::{Contact, Delivery, TicketId},
};

use crate::{
    bench::{Bench, limited},
    smtp::{Manner, Smtp},
};

/// A mailbox that lets everybody in and never says a word.
fn silent_mailbox() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().collect::<Vec<_>>());
    port
}

fn reply(ticket: TicketId) -> ReplyAsk {
    ReplyAsk {
        ticket,
        text: "It is on its way.".to_owned(),
        to: Some(vec![Contact {
            name: None,
            address: "maya@northbend.test".to_owned(),
        }]),
        cc: Vec::new(),
        bcc: Vec::new(),
        files: Vec::new(),
        then: None,
        hold: Some(std::time::Duration::from_secs(1)),
        account: Some("support@acme.test".to_owned()),
    }
}

#[tokio::test]
async fn a_mailbox_that_keeps_silent_keeps_no_reply_waiting() {
    let bench = Bench::new().await;
    let server = Smtp::start(Manner::Takes);
    let account = format!(
        "[accounts.\"support@acme.test\"]\nimap = \"imap://127.0.0.1:{}\"\n\
         smtp = \"smtp://127.0.0.1:{}\"\npassword_command = [\"printf\", \"x\"]\n",
        silent_mailbox(),
        server.port
    );
    bench.configure(&format!("{}{account}", bench.usual()));
    let tickets = bench.tickets(2).await;
    let desk = bench.desk().await;
    desk.listen();
    let store = bench.store().await;

    for ticket in tickets {
        let row = desk.reply(reply(ticket)).await.unwrap();
        let leaving = async {
            while store.outbox_row(row.id).await.unwrap().progress.delivery != Delivery::Sent {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        // A silent server is waited for longer than that.
        let soon = std::time::Duration::from_secs(10);
        tokio::time::timeout(soon, leaving).await.unwrap();
        limited(async {
            while store.copies_due().await.unwrap().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
        .await;
    }

    assert_eq!(server.count(), 2);
    desk.close().await;
}
