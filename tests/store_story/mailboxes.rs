//! How far a mailbox was read, and what is here of it.

use std::collections::BTreeMap;

use deskhand::{
    domain::{FolderMark, FolderRead, FolderUid, Hint, KeptBack},
    store::{Filing, MarkDue, Original, Store},
};

use super::props::{AS_IT_CAME, at, filing, letter, new_ticket};

const MARK: FolderMark = FolderMark {
    uid_validity: 7,
    uid_next: 4_000_000_000,
    mod_seq: 1 << 40,
    messages: 2,
};

pub(super) async fn a_folder_is_read_to_its_end(store: &Store) {
    let (account, folder) = ("support@acme.test", "INBOX");
    assert_eq!(store.folder(account, folder).await.unwrap(), None);
    let uids = [(1, "sha-a"), (4_000_000_000, "")].map(|(uid, digest)| FolderUid {
        uid,
        raw_sha256: digest.into(),
    });

    for _ in 0..2 {
        store
            .add_folder_uids(account, folder, 7, &uids)
            .await
            .unwrap();
        store
            .set_folder_mark(account, folder, MARK, at(50))
            .await
            .unwrap();
    }

    assert_eq!(store.folder(account, "Sent").await.unwrap(), None);
    let here = store.folder_uids(account, folder, 7).await.unwrap();
    assert_eq!(here.len(), 2);
    assert_eq!(here[&1], "sha-a");
    assert!(
        store
            .folder_uids("other", folder, 7)
            .await
            .unwrap()
            .is_empty()
    );

    let read = |last| FolderRead {
        first: at(50),
        last: at(last),
    };
    assert_eq!(
        store.folder(account, folder).await.unwrap(),
        Some((MARK, read(50)))
    );

    // The server gave new numbers: the old ones mean nothing.
    let anew = FolderMark {
        uid_validity: 8,
        ..MARK
    };
    store
        .set_folder_mark(account, folder, anew, at(60))
        .await
        .unwrap();
    assert_eq!(
        store.folder(account, folder).await.unwrap(),
        Some((anew, read(60)))
    );
    assert!(
        store
            .folder_uids(account, folder, 7)
            .await
            .unwrap()
            .is_empty()
    );
    what_was_read_elsewhere_is_read_here(store).await;
}

async fn what_was_read_elsewhere_is_read_here(store: &Store) {
    let ticket = new_ticket("Read elsewhere");
    let mut unread = letter("unread@shop", &ticket, "Hello.", 70);
    unread.message.was_seen = false;
    store
        .file(&filing(vec![unread.clone()]), at(71))
        .await
        .unwrap();
    let digest = unread.message.raw_sha256.clone();
    let kept = store.original(&digest).await.unwrap();
    assert_eq!(kept.as_deref(), Some(AS_IT_CAME));
    assert_eq!(store.original("no such digest").await.unwrap(), None);

    let digests = [digest, "no such digest".to_owned()];
    assert_eq!(
        store
            .mark_seen("elsewhere", &digests, at(72))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store.mark_seen("import", &digests, at(72)).await.unwrap(),
        1
    );
    assert_eq!(
        store.mark_seen("import", &digests, at(73)).await.unwrap(),
        0
    );

    assert!(store.messages(ticket.id).await.unwrap()[0].was_seen);
}

pub(super) async fn what_a_server_keeps_back_is_asked_for_again(store: &Store) {
    let (account, folder) = ("keeps@acme.test", "INBOX");
    let kept = |uids: &[(u32, i64)]| -> BTreeMap<u32, KeptBack> {
        let one = |(uid, second): &(u32, i64)| {
            let again_at = at(*second);
            (*uid, KeptBack { tries: 3, again_at })
        };
        uids.iter().map(one).collect()
    };
    let many: Vec<(u32, i64)> = (1..=120).map(|uid| (uid, 100)).collect();
    for noted in [kept(&many), kept(&[(4_000_000_000, 80), (7, 90)])] {
        store
            .set_kept_back(account, (folder, 7), &noted)
            .await
            .unwrap();
        assert_eq!(store.kept_back(account, folder, 7).await.unwrap(), noted);
    }
    assert_eq!(
        store.kept_back(account, folder, 8).await.unwrap(),
        kept(&[])
    );
    let is_due = async |folder, validity, second| {
        let due = store.is_asked_for_again(account, (folder, validity), at(second));
        due.await.unwrap()
    };
    assert!(!is_due(folder, 7, 79).await);
    assert!(is_due(folder, 7, 80).await);
    assert!(!is_due("Sent", 7, 80).await);
    assert!(!is_due(folder, 8, 80).await);

    // The server gave new numbers: the old ones mean nothing.
    let anew = FolderMark {
        uid_validity: 8,
        ..MARK
    };
    for (mark, is_left) in [(MARK, true), (anew, false)] {
        store
            .set_folder_mark(account, folder, mark, at(85))
            .await
            .unwrap();
        assert_eq!(is_due(folder, 7, 90).await, is_left);
    }
}

pub(super) async fn what_is_read_here_is_to_be_marked_there(store: &Store) {
    let ticket = new_ticket("Read here");
    let mut unread = letter("read-here@shop", &ticket, "Hello.", 90);
    unread.message.was_seen = false;
    "sha-read-here".clone_into(&mut unread.message.raw_sha256);
    let filing = Filing {
        source: "imap:read@here.test".to_owned(),
        ..filing(vec![unread])
    };
    store.file(&filing, at(91)).await.unwrap();

    let read = [store.messages(ticket.id).await.unwrap()[0].id];
    assert_eq!(store.saw(ticket.id, &[], at(92)).await.unwrap(), 0);
    assert_eq!(store.saw(ticket.id, &read, at(92)).await.unwrap(), 1);
    assert_eq!(store.saw(ticket.id, &read, at(93)).await.unwrap(), 0);

    let due = store.marks_due("read@here.test").await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(
        (due[0].raw_sha256.as_str(), due[0].is_answered),
        ("sha-read-here", false)
    );
    assert!(store.messages(ticket.id).await.unwrap()[0].was_seen);
    let other = MarkDue {
        is_answered: true,
        ..due[0].clone()
    };
    store.marked("read@here.test", &[other]).await.unwrap();
    assert_eq!(store.marks_due("read@here.test").await.unwrap(), due);
    store.marked("read@here.test", &due).await.unwrap();
    assert!(store.marks_due("read@here.test").await.unwrap().is_empty());
}

pub(super) async fn a_message_that_was_left_on_its_server_is_completed(store: &Store) {
    let ticket = new_ticket("A giant");
    let mut giant = letter("giant@shop", &ticket, "Only its headers.", 95);
    "sha-headers".clone_into(&mut giant.message.raw_sha256);
    giant.message.hints = vec![Hint::LeftThere { megabytes: 40 }];
    store.file(&filing(vec![giant]), at(96)).await.unwrap();
    let uid = FolderUid {
        uid: 12,
        raw_sha256: "sha-headers".to_owned(),
    };
    let account = "giants@here.test";
    store
        .add_folder_uids(account, "INBOX", 3, &[uid])
        .await
        .unwrap();
    let place = store.place_of(account, "sha-headers").await.unwrap();
    assert_eq!(place, Some(("INBOX".to_owned(), 3, 12)));

    let mut whole = store.messages(ticket.id).await.unwrap().remove(0);
    assert_eq!(whole.hints, [Hint::LeftThere { megabytes: 40 }]);
    whole.hints.clear();
    "All of it.".clone_into(&mut whole.body.text);
    "sha-whole".clone_into(&mut whole.raw_sha256);
    let original = Original::of(b"all of it").unwrap();
    let kept = store.complete((&whole, account), ("sha-headers", original), at(97));
    kept.await.unwrap();

    assert_eq!(store.messages(ticket.id).await.unwrap(), [whole]);
    assert_eq!(store.place_of(account, "sha-headers").await.unwrap(), None);
    let bytes = store.original("sha-whole").await.unwrap();
    assert_eq!(bytes.unwrap(), b"all of it");
    let whole = store.completed("sha-headers").await.unwrap();
    assert_eq!(whole.as_deref(), Some("sha-whole"));
    assert_eq!(store.completed("sha-whole").await.unwrap(), None);
}
