//! What opening, transactions and URLs of the store promise.

use super::*;

#[tokio::test]
async fn who_gives_up_while_a_transaction_begins_leaves_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let url = StoreUrl::Sqlite(dir.path().join("desk.db"));
    let (store, other) = (
        Store::open(&url).await.unwrap(),
        Store::open(&url).await.unwrap(),
    );
    // Given up after so long, wherever in its beginning that is.
    for micros in (0..1_000).step_by(20) {
        let beginning = store.begin();
        drop(tokio::time::timeout(Duration::from_micros(micros), beginning).await);
        for store in [&other, &store] {
            let tx = store.begin().await.expect("nobody holds the lock");
            tx.commit().await.unwrap();
        }
    }
}

/// A full disk ends SQLite's transaction by itself; a trigger that does the same stands in
/// for it.
#[tokio::test]
async fn a_transaction_that_ended_by_itself_spoils_no_later_one() {
    let dir = tempfile::tempdir().unwrap();
    let url = StoreUrl::Sqlite(dir.path().join("desk.db"));
    let store = Store::open(&url).await.unwrap();
    let write = async || {
        let mut tx = store.begin().await?;
        tx.execute("INSERT INTO settings (name, value) VALUES ('a', 'b')")
            .await?;
        tx.execute("DELETE FROM settings").await?;
        tx.commit().await
    };
    let full = "CREATE TRIGGER full BEFORE INSERT ON settings BEGIN
         SELECT RAISE(ROLLBACK, 'database or disk is full'); END";
    store.pool().execute(full).await.unwrap();
    for _ in 0..8 {
        assert!(write().await.is_err(), "the disk is full");
    }

    store.pool().execute("DROP TRIGGER full").await.unwrap();

    for _ in 0..8 {
        write().await.map_err(|_| "spoilt").unwrap();
    }
    store.close().await;
}

#[test]
fn a_url_names_a_file_or_a_server() {
    for (text, shown) in [
        ("postgres://maya:s3cret@db/desk", "postgres://maya@db/desk"),
        ("postgresql://db/desk", "postgresql://db/desk"),
        ("sqlite:///var/tickets.db", "/var/tickets.db"),
        ("sqlite:tickets.db", "tickets.db"),
        ("/var/tickets.db", "/var/tickets.db"),
    ] {
        assert_eq!(StoreUrl::parse(text).to_string(), shown);
    }
}
