//! A database that answers nothing any more: its host froze, or a firewall drops what is sent.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection as _};
use uuid::Uuid;

use super::{
    bench::{Bench, Config, LIMIT, until},
    words::{Form, Words},
};

/// Stands before a server, and lets nothing through once it is told to be silent.
struct Gate {
    at: SocketAddr,
    is_silent: Arc<AtomicBool>,
}

impl Gate {
    fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let is_silent = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&is_silent);
        drop(thread::spawn(move || {
            for caller in listener.incoming() {
                let caller = caller.expect("a caller");
                let server = TcpStream::connect(server).expect("the server");
                let ways = [
                    (caller.try_clone(), server.try_clone()),
                    (Ok(server), Ok(caller)),
                ];
                for (from, to) in ways {
                    let silent = Arc::clone(&silent);
                    let (from, to) = (from.expect("a socket"), to.expect("a socket"));
                    drop(thread::spawn(move || pass_on(from, to, &silent)));
                }
            }
        }));
        Self { at, is_silent }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, is_silent: &AtomicBool) {
    let mut bytes = [0; 8_192];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        while is_silent.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
        }
        if to.write_all(&bytes[..read]).is_err() {
            return;
        }
    }
    to.shutdown(std::net::Shutdown::Write).ok();
}

#[test]
#[ignore = "needs a PostgreSQL: tests/run starts one"]
fn requests_and_a_stop_end_also_where_the_database_is_silent() {
    let server = std::env::var("DESKHAND_TEST_POSTGRES").expect("DESKHAND_TEST_POSTGRES");
    let (place, _) = server.rsplit_once('/').expect("a database");
    let (user, address) = place
        .strip_prefix("postgres://")
        .and_then(|rest| rest.split_once('@'))
        .expect("user@host");
    let gate = Gate::before(address.parse().expect("an address"));
    let name = format!("silence_{}", Uuid::now_v7().simple());
    let url = format!("postgres://{user}@{}/{name}", gate.at);
    let bench = Bench::with(&Config {
        more: format!("[store]\nurl = \"{url}\"\n"),
        ..Config::default()
    });
    bench.runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(&server)
            .await
            .expect("a server");
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("a database");
    });
    let mut serve = bench.serve();
    let ask_one = || serve.ask(Words::Chat.ask("auto", "Where is my parcel?", Form::Whole));
    assert_eq!(ask_one().status, 200);

    gate.is_silent.store(true, Ordering::Relaxed);
    // What is held already pays for some; then nothing is begun whose cost cannot be written.
    until(|| {
        let answer = ask_one();
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
        answer.status == 503
    });
    serve.signal("TERM");
    let ended = serve.ended_within(LIMIT * 3);
    assert_eq!(ended, Some(1), "{}", serve.said());
    assert!(
        serve.said().contains("what the last requests cost"),
        "{}",
        serve.said()
    );
    gate.is_silent.store(false, Ordering::Relaxed);

    let again = bench.serve();
    until(|| again.said().contains("ended in the middle of its work"));
    again.stop();
}
