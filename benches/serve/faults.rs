//! Each fault of the harness at the first link, another provider's wire behind it, over both wires
//! to the caller, streamed and not.

use std::process::Command;

use serde_json::Value;

use super::{
    mock::Mock,
    served::{Served, harness},
};

/// Faults before the first token, which another provider mends.
const BEFORE: [&str; 17] = [
    "refused", "rst0", "hang", "429", "quota", "500", "502", "503", "529", "401", "402", "403",
    "404", "ctx", "empty200", "html200", "err1",
];
/// Faults in mid-answer; without a stream they are faults before the first token too.
const WITHIN: [&str; 5] = ["errsse", "badsse", "eof", "reset", "stall"];
/// Faults that no other provider may be asked for.
const KEPT: [&str; 3] = ["400", "policy", "refusal"];

/// One fault at a first link of one wire.
pub(crate) struct Case {
    pub(crate) fault: &'static str,
    pub(crate) wire: &'static str,
    pub(crate) stream: bool,
}

impl Case {
    /// Returns the name of its provider and its chain.
    pub(crate) fn name(&self) -> String {
        let how = if self.stream { "s" } else { "n" };
        format!("{}-{how}-{}", self.wire, self.fault)
    }
}

/// Returns every case.
pub(crate) fn cases() -> Vec<Case> {
    let faults = || BEFORE.into_iter().chain(WITHIN).chain(KEPT);
    let mut all = Vec::new();
    for wire in ["openai", "anthropic"] {
        for stream in [true, false] {
            all.extend(faults().map(|fault| Case {
                fault,
                wire,
                stream,
            }));
        }
    }
    all
}

/// Plays every fault and prints what a caller saw.
pub(crate) fn all(mock: &Mock, served: &Served) {
    for wire in ["openai", "anthropic"] {
        for stream in [true, false] {
            one_way(mock, served, (wire, stream));
        }
    }
}

fn one_way(mock: &Mock, served: &Served, (wire, stream): (&'static str, bool)) {
    let (mut mended, mut asked_of, mut honest, mut kept) = (0, 0, 0, 0);
    let mut notes = Vec::new();
    for case in cases()
        .iter()
        .filter(|case| case.wire == wire && case.stream == stream)
    {
        let shot = probe(mock, served, case);
        let result = shot["result"].as_str().unwrap_or("none").to_owned();
        let says = format!("{}: {result} {}", case.fault, shot["status"]);
        if KEPT.contains(&case.fault) {
            let went_on = matches!(result.as_str(), "BACKUP" | "MIXED" | "PRIMARY");
            kept += usize::from(!went_on);
            if went_on {
                notes.push(says);
            }
        } else if stream && WITHIN.contains(&case.fault) {
            // The hold window hides what fails early: the backup's whole answer, or an honest error.
            let is_honest = matches!(result.as_str(), "BACKUP" | "PARTIAL+ERROR");
            honest += usize::from(is_honest);
            if !is_honest {
                notes.push(says);
            }
        } else {
            asked_of += 1;
            mended += usize::from(result == "BACKUP");
            if result != "BACKUP" {
                notes.push(says);
            }
        }
    }
    let how = if stream { "streamed" } else { "whole" };
    println!(
        "{wire}, {how}: {mended} of {asked_of} faults mended, {honest} cuts honest, {kept} of {} kept",
        KEPT.len()
    );
    for note in notes {
        println!("    {note}");
    }
}

fn probe(mock: &Mock, served: &Served, case: &Case) -> Value {
    let path = if case.wire == "openai" {
        "chat/completions"
    } else {
        "messages"
    };
    let body = served.body(&case.name(), case.stream, case.wire);
    let said = Command::new(harness())
        .args([
            "matrix", "--name", "x", "--mode", "x", "--faults", case.fault,
        ])
        .args(["--repeat", "1", "--limit-ms", "8000", "--mock", &mock.base])
        .args(["--url", &format!("{}/v1/{path}", served.url), "--body"])
        .arg(body)
        .args([
            "--header",
            &format!("authorization: Bearer {}", served.token),
        ])
        .output()
        .expect("the harness runs");
    let told: Value = serde_json::from_slice(&said.stdout).expect("its finding");
    told["shots"][0].clone()
}
