//! What is held and counted beyond a request's own words, link by link.

use serde_json::json;

use super::{
    bench::{Bench, Config},
    http::Request,
};
use deskhand::sim::{Family, Fault};

#[test]
fn a_whole_window_is_that_of_the_model_that_is_asked() {
    let bench = Bench::with(&Config {
        // 200,000 tokens cost ten cents, a million fifty.
        cap: "0.2\nallow_unknown_prices = true",
        links: "\"claude/wide\", \"google/wider\"",
        more: "[models.\"claude/wide\"]\ncontext_tokens = 200_000\n\
               price_in_usd_per_million = \"0.50\"\nprice_out_usd_per_million = \"2.50\"\n\
               [models.\"google/wider\"]\ncontext_tokens = 1_000_000\n\
               price_in_usd_per_million = \"0.50\"\nprice_out_usd_per_million = \"2.50\"\n"
            .to_owned(),
        ..Config::default()
    });
    let serve = bench.serve();

    let asked = json!({"model": "auto", "max_tokens": 100,
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        "messages": [{"role": "user", "content": "Where is my parcel?"}]});
    let answer = serve.ask(Request::post("/v1/messages", &asked));

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-deskhand-link"), Some("claude/wide"));
    let receipt = bench.receipt(answer.header("x-deskhand-receipt").expect("a receipt"));
    let cost = receipt["cost_usd"].as_str().expect("a cost");
    let cost: f64 = cost.parse().expect("an amount");
    assert!((0.1..0.11).contains(&cost), "{receipt}");
    assert_eq!(receipt["cost_at_most"], true, "{receipt}");
}

#[test]
fn who_never_sees_a_dear_member_is_counted_as_usual() {
    let bench = Bench::with(&Config {
        cap: "20\nallow_unknown_prices = true",
        links: "\"claude/big\", \"chat/small\"",
        ..Config::default()
    });
    let serve = bench.serve();
    let asked = json!({"model": "auto", "max_tokens": 2_000, "speed": "fast",
        "messages": [{"role": "user", "content": "Where is my parcel?"}]});
    let ask = || serve.ask(Request::post("/v1/messages", &asked));

    let fast = ask();
    bench.fails(Family::Anthropic, Fault::ServerError);
    let usual = ask();

    for (answer, link, is_ceiling) in [(fast, "claude/big", true), (usual, "chat/small", false)] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-deskhand-link"), Some(link));
        let receipt = bench.receipt(answer.header("x-deskhand-receipt").expect("a receipt"));
        let attempts = receipt["attempts"].as_array().expect("attempts");
        let last = attempts.last().expect("an attempt");
        assert_eq!(last["cost_at_most"], is_ceiling, "{receipt}");
        let row = last["price"].as_str().expect("a row");
        assert_eq!(row.contains("1200 percent"), is_ceiling, "{row}");
    }
}
