//! The corpus' own server, its scenario and its log.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde::Deserialize;

/// The server at work; ended when dropped.
pub(crate) struct Server {
    child: Child,
    client: reqwest::Client,
    pub(crate) base: String,
    scenario: Scenario,
}

#[derive(Deserialize)]
struct Scenario {
    minutes: u64,
    traffic: Traffic,
}

#[derive(Deserialize)]
struct Traffic {
    per_hour: Vec<u64>,
}

/// One request, as the server saw it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Call {
    /// The scenario's minute.
    pub(crate) t: f64,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) outcome: String,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) cache_read: u64,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    pub(crate) async fn start(corpus: &Path) -> Self {
        let scenario = corpus.join("outage/shared/scenario_30d.json");
        let text = std::fs::read_to_string(&scenario).expect("the scenario");
        // A free port, given up at once: nobody else is likely to take it.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let child = Command::new("python3")
            .arg(corpus.join("mock/wire_server.py"))
            .args(["--port", &port.to_string(), "--scenario"])
            .arg(&scenario)
            .stdout(Stdio::null())
            .spawn()
            .expect("python3 starts the server");
        let server = Self {
            child,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            base: format!("http://127.0.0.1:{port}"),
            scenario: serde_json::from_str(&text).expect("a scenario"),
        };
        let health = format!("{}/__health", server.base);
        for _ in 0..200 {
            if server.client.get(&health).send().await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not answer");
    }

    /// Returns when drafts are asked for: the scenario's minute in words, and as a time.
    pub(crate) fn moments(&self, percent: u64) -> Vec<(String, Duration)> {
        let mut moments = Vec::new();
        for hour in 0..self.scenario.minutes / 60 {
            let place = usize::try_from(hour % 24).expect("an hour");
            let rate = self.scenario.traffic.per_hour.get(place).expect("a rate");
            let is_weekend = (hour / 24) % 7 >= 5;
            let hundredths = rate * percent / if is_weekend { 4 } else { 1 };
            // The remainder is spread over the hours without chance.
            let more = u64::from((hour * 7919 % 100) < hundredths % 100);
            let count = hundredths / 100 + more;
            for at in 0..count {
                let seconds = hour * 3600 + 3600 * at / count;
                let minute = format!("{}.{:02}", seconds / 60, seconds % 60 * 100 / 60);
                moments.push((minute, Duration::from_secs(seconds)));
            }
        }
        moments
    }

    pub(crate) async fn set(&self, minute: &str) {
        let url = format!("{}/__sim/set?t={minute}", self.base);
        self.client.get(url).send().await.expect("the time is set");
    }

    pub(crate) async fn log(&self) -> Vec<Call> {
        let answer = self.client.get(format!("{}/__log", self.base)).send().await;
        let bytes = answer.expect("the log").bytes().await.expect("its lines");
        serde_json::from_slice(&bytes).expect("calls")
    }
}
