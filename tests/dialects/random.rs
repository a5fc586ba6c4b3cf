//! Conversations at random: what a codec spells, the dialect of the same wire format reads back.

use deskhand::{
    domain::ProviderKind,
    engine::ask::{
        Ask, Part, Role, Turn,
        json::Json,
        tools::{Image, Tool, ToolCall, ToolChoice, ToolResult},
        wishes::{Format, Wishes},
    },
};
use proptest::prelude::*;

use crate::stage::{DIALECTS, bytes, link, read};

fn words() -> impl Strategy<Value = String> {
    "[a-zé€\u{1f388}\"\\\\\n {}]{1,12}"
}

fn image() -> impl Strategy<Value = Image> {
    prop_oneof![
        "[A-Za-z0-9]{4}".prop_map(|data| Image::Inline {
            media_type: "image/png".to_owned(),
            data,
        }),
        Just(Image::Url("https://b.example/p.png".to_owned())),
    ]
}

fn asked() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![words().prop_map(Part::Text), image().prop_map(Part::Image)];
    proptest::collection::vec(part, 1..4)
}

/// What the model said: words, and calls that are answered at once.
fn said() -> impl Strategy<Value = (String, Vec<(String, String, bool)>)> {
    let call = ("[a-z_]{1,8}", words(), any::<bool>());
    (words(), proptest::collection::vec(call, 0..3))
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Any),
        Just(ToolChoice::Named("find".to_owned())),
    ];
    (any::<bool>(), choice, 0_u32..=10, any::<bool>()).prop_map(
        |(tools, choice, tenths, schema)| {
            let json = Json::read(r#"{"type":"object","properties":{"z":{},"a":{}}}"#).unwrap();
            Wishes {
                tools: Vec::from_iter(tools.then(|| Tool {
                    name: "find".to_owned(),
                    description: "Finds.".to_owned(),
                    schema: json.clone(),
                    strict: None,
                })),
                tool_choice: if tools { choice } else { ToolChoice::Auto },
                temperature: serde_json::from_str(&format!("{}.{}", tenths / 10, tenths % 10)).ok(),
                format: if schema {
                    Format::Schema {
                        name: "answer".to_owned(),
                        schema: json,
                        strict: None,
                    }
                } else {
                    Format::Text
                },
                ..Wishes::default()
            }
        },
    )
}

prop_compose! {
    fn ask()(
        system in words(),
        rounds in proptest::collection::vec((asked(), said()), 0..4),
        last in asked(),
        wishes in wishes(),
        output_limit in 1_u32..90_000,
    ) -> Ask {
        let mut turns = Vec::new();
        let mut count = 0;
        for (user, (text, calls)) in rounds {
            turns.push(Turn { role: Role::User, parts: user });
            let mut parts = vec![Part::Text(text)];
            let mut results = Vec::new();
            for (name, brought, is_error) in calls {
                let id = format!("call_{count}");
                count += 1;
                let arguments = format!("{{\"n\":{count}}}");
                parts.push(Part::Call(ToolCall { id: id.clone(), name: name.clone(), arguments }));
                results.push(Part::Result(ToolResult { id, name, text: brought, images: Vec::new(), is_error }));
            }
            turns.push(Turn { role: Role::Assistant, parts });
            turns.extend((!results.is_empty()).then_some(Turn { role: Role::User, parts: results }));
        }
        turns.push(Turn { role: Role::User, parts: last });
        Ask { system, turns, output_limit, wishes, raw: None }
    }
}

/// What of an ask a wire format can say.
fn as_said_in(kind: ProviderKind, mut ask: Ask) -> Ask {
    let has_mark = matches!(kind, ProviderKind::Anthropic | ProviderKind::Gemini);
    for part in ask.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let Part::Result(result) = part
            && result.is_error
            && !has_mark
        {
            result.text = format!("Error: {}", result.text);
            result.is_error = false;
        }
    }
    if let Format::Schema { name, strict, .. } = &mut ask.wishes.format {
        if has_mark {
            name.clear();
        }
        *strict = (kind == ProviderKind::OpenAiResponses).then_some(false);
    }
    if kind == ProviderKind::OpenAiResponses {
        for tool in &mut ask.wishes.tools {
            tool.strict = Some(false);
        }
    }
    ask
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_a_codec_spells_its_dialect_reads(ask in ask()) {
        for kind in DIALECTS {
            let body = bytes(&ask, &link(kind, false));
            let request = read(kind, &body).unwrap();
            let back = Ask { raw: None, ..request.ask };
            let wanted = as_said_in(kind, ask.clone());

            // Gemini's codec writes no ids: they are made again, in the same order.
            prop_assert!(back.turns == wanted.turns, "{:?}: {}", kind, body);
            prop_assert!(back.wishes == wanted.wishes, "{:?}: {}", kind, body);
            prop_assert!(back == wanted, "{:?}: {}", kind, body);
            prop_assert_eq!(request.bound, []);
        }
    }

    /// Whatever a body is, it is read or refused.
    #[test]
    fn a_body_of_any_kind_never_panics(text in "[\\[\\]{}\":,a-z0-9 ]{0,80}", member in "[a-z]{1,12}") {
        for kind in DIALECTS {
            prop_assert!(read(kind, &text).is_err());
            let start = match kind {
                ProviderKind::Gemini => r#""contents":[{"parts":[{"text":"a"}]}]"#,
                ProviderKind::OpenAiResponses => r#""model":"m","input":"a""#,
                _ => r#""model":"m","messages":[{"role":"user","content":"a"}]"#,
            };
            let unknown = format!("{{{start},\"x{member}\":[1]}}");
            prop_assert!(read(kind, &unknown).is_ok());
        }
    }
}
