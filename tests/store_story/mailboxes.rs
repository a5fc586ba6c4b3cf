//! How far a mailbox was read, and what is here of it.

use deskhand::{
    domain::{FolderMark, FolderUid},
    store::Store,
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
    assert_eq!(store.folder_mark(account, folder).await.unwrap(), None);
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

    assert_eq!(
        store.folder_mark(account, folder).await.unwrap(),
        Some(MARK)
    );
    assert_eq!(store.folder_mark(account, "Sent").await.unwrap(), None);
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

    // The server gave new numbers: the old ones mean nothing.
    let anew = FolderMark {
        uid_validity: 8,
        ..MARK
    };
    store
        .set_folder_mark(account, folder, anew, at(60))
        .await
        .unwrap();
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
