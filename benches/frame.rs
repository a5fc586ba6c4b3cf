//! A frame of the desk at 200x60, with a hundred tickets in the store and with a hundred thousand:
//! the ratio of the two says whether the length of the queue is paid for at each frame.
#![expect(clippy::expect_used, reason = "a bench may panic")]

use std::{sync::Arc, time::Duration};

use deskhand::{
    config::{Missing, paths::Paths},
    desk::{Desk, Mode, Opening, Patience},
    domain::Timestamp,
    store::{Filing, Store, StoreUrl},
    tui::{Options, Session},
};
use divan::Bencher;
use ratatui::{Terminal, backend::TestBackend};
use tokio::runtime::Runtime;

mod letters;

const SMALL: u32 = 100;
const LARGE: u32 = 100_000;
/// Letters of one transaction.
const BATCH: usize = 500;

fn main() {
    divan::main();
}

#[divan::bench(args = [SMALL, LARGE], sample_count = 50)]
fn frame_200x60(bencher: Bencher<'_, '_>, tickets: u32) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let desk = runtime.block_on(desk(dir.path(), tickets));
    let mut session = runtime.block_on(settled(Arc::clone(&desk)));
    let entered = runtime.enter();
    let mut down = true;
    bencher.bench_local(|| {
        session.press(if down { "j" } else { "k" });
        down = !down;
        session.paint_now().expect("a frame is painted");
    });
    drop(entered);
    runtime.block_on(async {
        session.finish().await;
        desk.close().await;
    });
}

/// Opens the screen and waits until it shows what there is.
async fn settled(desk: Arc<Desk>) -> Session<TestBackend> {
    let terminal = Terminal::new(TestBackend::new(200, 60)).expect("a terminal");
    let mut session = Session::open(desk, &Options::default(), terminal);
    while let Ok(msg) = tokio::time::timeout(Duration::from_millis(500), session.wait()).await {
        session.take(msg);
    }
    session
}

async fn desk(dir: &std::path::Path, tickets: u32) -> Arc<Desk> {
    let url = StoreUrl::Sqlite(dir.join("deskhand.db"));
    let store = Store::open(&url).await.expect("the store opens");
    let letters: Vec<_> = (0..tickets).map(letters::letter).collect();
    for batch in letters.chunks(BATCH) {
        let filing = Filing {
            source: "import".into(),
            letters: batch.to_vec(),
            ..Filing::default()
        };
        store
            .file(&filing, Timestamp::UNIX_EPOCH)
            .await
            .expect("letters are filed");
    }
    store.close().await;
    let paths = Paths {
        config_file: dir.join("config.toml"),
        missing: Missing::Fine,
        data_dir: dir.to_owned(),
        state_dir: dir.join("state"),
    };
    let opening = Opening {
        paths,
        mode: Mode::Real,
        patience: Patience::Command,
    };
    Desk::open(opening).await.expect("the desk opens")
}
