//! The official SDKs against `deskhand serve`, and the snippets of `OfoxAI`'s page, unchanged but for
//! the base URL. `tests/run` puts the SDKs where these tests look: `DESKHAND_SDKS`, else
//! `target/sdks`. Where they are missing these tests fail.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{
    bench::{Bench, KEYS, Serve},
    pages::{between, ofox, page},
    program::corpus,
};
use deskhand::sim::{Family, Fault};

fn sdks() -> PathBuf {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdks");
    let sdks = std::env::var_os("DESKHAND_SDKS").map_or(usual, PathBuf::from);
    assert!(
        sdks.is_dir(),
        "{} is not there: tests/run installs the SDKs",
        sdks.display()
    );
    sdks
}

fn python() -> Command {
    let mut command = Command::new(sdks().join("python/bin/python"));
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    command
}

fn spoken(output: &Output) -> String {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    of(&output.stdout) + &of(&output.stderr)
}

#[test]
#[ignore = "needs the official SDKs"]
fn every_check_of_the_official_sdks_passes() {
    let Some(corpus) = corpus() else {
        println!("corpus absent: 1 test not run");
        return;
    };
    let bench = Bench::new();
    // The names that the script asks by are those of the config.
    let config = fs::read_to_string(bench.home.path("config.toml")).expect("a file");
    bench.home.config(
        &format!(
            "{config}[serve.aliases]\n\"gpt-5\" = \"chat/small\"\n\"claude\" = \"claude/big\"\n\
         \"gemini-2.5-flash\" = \"google/quick\"\n"
        )
        .replace("[serve]\n\n", ""),
    );
    // So slow that a client with little patience gives up before the first word.
    bench.sim.set_pace(Some(80));
    let serve = bench.serve();
    let report = bench.home.path("report.json");

    let output = python()
        .arg(corpus.join("mock/sdk_conformance.py"))
        .arg(format!("http://{}", serve.at))
        .args(["--model", "gpt-5", "--anthropic-model", "claude"])
        .args(["--responses", "--gemini", "--require-key", "--api-key"])
        .arg(&serve.token)
        .arg("--json")
        .arg(&report)
        .output()
        .expect("python");

    let said = spoken(&output);
    println!("{said}");
    assert!(output.status.success(), "{said}");
    let report = fs::read(report).expect("a report");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    let counts = &report["counts"];
    assert_eq!(
        (&counts["FAIL"], &counts["SKIP"]),
        (&0.into(), &0.into()),
        "{said}"
    );
    assert!(counts["PASS"].as_u64() >= Some(27), "{said}");
    bench.verified();
}

/// Which failures the page's snippets are played with, and who answers then.
const PLAYS: [(&[Family], &str); 3] = [
    (&[], "gpt-4o"),
    (&[Family::OpenAi], "claude-sonnet-4-5"),
    (
        &[Family::OpenAi, Family::Anthropic],
        "gemini-3-flash-preview",
    ),
];

fn play(run: impl Fn(&Serve) -> Output) {
    let bench = ofox();
    let serve = bench.serve();
    for (down, answers) in PLAYS {
        for link in ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"] {
            let mut wake = bench.home.command();
            wake.args(["providers", "wake", link]).envs(KEYS);
            wake.output().expect("it runs");
        }
        for family in down {
            bench.fails(*family, Fault::ServerError);
        }
        let output = run(&serve);
        let said = spoken(&output);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.trim(), answers, "{down:?}");
    }
}

#[test]
#[ignore = "needs the official SDKs"]
fn the_pages_python_runs_unchanged_but_for_the_base_url() {
    let Some(page) = page("ofoxai-fallback.txt") else {
        return;
    };
    let first = between(&page, "fallback.py\n", "fallback.ts\n");
    let client = between(&page, "fallback.py\n", "response = ");
    let routing = between(
        &page,
        "can be combined with provider routing:\n",
        "Recommended",
    );
    let second = format!("{client}{routing}\nprint(response.model)\n");
    for snippet in [first, &second] {
        assert_eq!(snippet.matches("https://api.ofox.ai/v1").count(), 1);
        play(|serve| {
            let here = format!("http://{}/v1", serve.at);
            python()
                .arg("-c")
                .arg(snippet.replace("https://api.ofox.ai/v1", &here))
                .output()
                .expect("python")
        });
    }
}

#[test]
#[ignore = "needs the official SDKs"]
fn the_pages_typescript_runs_with_nodes_own_kit() {
    let Some(page) = page("ofoxai-fallback.txt") else {
        return;
    };
    let snippet = between(&page, "fallback.ts\n", "Global Fallback Configuration");
    assert!(snippet.starts_with("const response"), "{snippet}");
    let node = sdks().join("node");
    play(|serve| {
        // The page leaves out how the client is made.
        let script = format!(
            "import OpenAI from 'openai'\n\
             const client = new OpenAI({{baseURL: 'http://{}/v1', apiKey: 'test', maxRetries: 0}})\n\
             {snippet}\nconsole.log(response.model)\n",
            serve.at
        );
        let file = tempfile::Builder::new()
            .suffix(".mjs")
            .tempfile_in(&node)
            .expect("a file");
        fs::write(file.path(), script).expect("a script");
        Command::new("node")
            .arg(file.path())
            .current_dir(&node)
            .output()
            .expect("node")
    });
}
