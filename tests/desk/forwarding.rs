//! Messages that are passed on to somebody who never got the others.

use deskhand::{
    desk::send::Approval,
    domain::{Direction, Purpose, Query, Status, TicketId},
};

use crate::bench::Bench;

const MAIL: &str = "From: Maya Chen <maya@northbend.test>\r\nTo: support@acme.test\r\n\
    Subject: Re: Fwd: Refund\r\nMessage-ID: <theirs@northbend.test>\r\n\
    Date: Mon, 16 Nov 2026 09:12:00 +0000\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
    Where is my refund?\r\n--b\r\nContent-Type: application/octet-stream\r\n\
    Content-Disposition: attachment; filename=\"../../.bashrc\"\r\n\r\nalias ls=rm\r\n--b--\r\n";

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.configure(&format!(
        "{}[accounts.\"support@acme.test\"]\nimap = \"imap://127.0.0.1:1\"\n\
         smtp = \"smtp://127.0.0.1:1\"\npassword_command = [\"printf\", \"x\"]\n",
        bench.usual()
    ));
    bench
}

/// Imports a mail from a file of that name.
async fn import(bench: &Bench, name: &str, mail: &str) -> Vec<TicketId> {
    let file = bench.paths().config_file.with_file_name(name);
    std::fs::write(&file, mail).unwrap();
    let desk = bench.desk().await;
    let done = desk.import(&[file], &mut |_| ()).await.unwrap();
    assert_eq!((done.imported, done.rejected.len()), (1, 0));
    let query = Query::parse("").unwrap();
    let page = desk.queue(&query, 0, 9).await.unwrap();
    let tickets = page.rows.iter().map(|row| row.id).collect();
    desk.close().await;
    tickets
}

#[tokio::test]
async fn a_message_passed_on_answers_nothing_and_its_answer_finds_the_ticket() {
    let bench = bench().await;
    let ticket = import(&bench, "first.eml", MAIL).await[0];
    let desk = bench.desk().await;
    desk.forward(ticket, "sam@carrier.test").await.unwrap();
    desk.close().await;
    let desk = bench.desk().await;
    let view = desk.ticket(ticket).await.unwrap();
    assert_eq!(view.route.dropped, []);

    let approval = Approval {
        ticket,
        then: Status::Pending,
        seen: view.draft.unwrap().text,
        seen_messages: None,
        knows_stale: false,
    };
    let queued = desk.queue_reply(&approval).await.unwrap();
    // Taken back it is what it was.
    desk.withdraw(queued.id).await.unwrap();
    let row = desk.queue_reply(&approval).await.unwrap();
    desk.close().await;

    let post = row.post.unwrap();
    assert_eq!(post.letter.envelope.purpose, Purpose::Forward);
    assert_eq!(post.letter.subject, "Fwd: Refund");
    let store = bench.store().await;
    let mime = store.outbox_mime(row.id).await.unwrap().unwrap();
    store.close().await;
    let mime = String::from_utf8(mime).unwrap();
    let head = mime.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head.contains("subject: fwd: refund"), "{head}");
    for word in ["in-reply-to", "references", "theirs@northbend.test"] {
        assert!(!head.contains(word), "{head}");
    }
    assert!(
        !mime.contains("wrote:"),
        "the message is there once: {mime}"
    );
    assert!(!mime.contains("../") && mime.contains("bashrc"), "{mime}");

    let answer = format!(
        "From: sam@carrier.test\r\nTo: support@acme.test\r\nSubject: Re: Fwd: Refund\r\n\
         Message-ID: <sams@carrier.test>\r\nIn-Reply-To: <{}>\r\n\
         Date: Tue, 17 Nov 2026 09:12:00 +0000\r\n\r\nIt is on its way.\r\n",
        post.rfc_message_id
    );
    assert_eq!(import(&bench, "second.eml", &answer).await, [ticket]);
    let desk = bench.desk().await;
    let messages = desk.ticket(ticket).await.unwrap().messages;
    desk.close().await;
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1].direction, Direction::In);
}
