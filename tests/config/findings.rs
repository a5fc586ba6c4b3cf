//! What is wrong with a file, each with its place.

use deskhand::{
    config::{Around, Missing, Severity},
    domain::Cap,
};

use super::{around, found, look};

#[test]
fn every_finding_comes_at_once_with_its_place() {
    let text = "\
[agnet]
name = 3
[spend]
cap_month_usd = \"much\"
alrets = [50]
pause_at_cap = \"yes\"
  time_zone = \"Europe/Berlni\"
[engine]
on_auth_error = \"bnech\"
parallel_drafts = 99
[engine.clocks]
gap = \"soon\"
";

    assert_eq!(
        found(text),
        [
            "1:2: error: the config has no setting `agnet`. Did you mean `agent`?",
            "4:17: error: `cap_month_usd` must be an amount in dollars such as 20 or \"0.50\".",
            "5:1: error: [spend] has no setting `alrets`. Did you mean `alerts`?",
            "6:16: error: `pause_at_cap` must be true or false.",
            "7:15: error: there is no time zone `Europe/Berlni`. Did you mean \"Europe/Berlin\"?",
            "9:17: error: `on_auth_error` cannot be `bnech`. Did you mean \"bench\"?",
            "10:19: error: `parallel_drafts` must be a whole number from 1 to 16.",
            "12:7: error: `gap` must be a time such as \"1.5s\", \"300ms\" or \"2m\", at most an hour.",
        ]
    );
}

#[test]
fn providers_are_checked() {
    let text = "\
[providers.antropic]
[providers.Mine]
[providers.mine]
type = \"openai-compatable\"
[providers.far]
type = \"openai-compatible\"
base_url = \"http://example.com/v1\"
[providers.nowhere]
type = \"openai-compatible\"
[providers.openai]
base_url = \"https://me:pw@example.com\"
auth = \"none\"
api_key = \"${SET}\"
[providers.two]
type = \"gemini\"
";

    assert_eq!(
        found(text),
        [
            "1:12: error: [providers.antropic] does not say its type. Did you mean \
             [providers.anthropic]? Else add type = \"anthropic\" or \"openai\" or \
             \"openai-responses\" or \"gemini\" or \"openai-compatible\".",
            "2:12: error: `Mine` cannot be the name of a provider. Use small letters, digits, `-`, \
             `_` and `.`, at most 40.",
            "4:8: error: `type` cannot be `openai-compatable`. Did you mean \"openai-compatible\"?",
            "7:12: error: http:// would show the key and the mail to the network. Use https://, or \
             add allow_plain_http = true if the network is yours.",
            "8:12: error: [providers.nowhere] needs a base_url. For example base_url = \
             \"http://127.0.0.1:11434/v1\".",
            "11:12: error: `base_url` must hold neither name nor password. Run `deskhand keys set` \
             for the key.",
            "13:11: error: auth = \"none\" says that no key is wanted, but one is named. Remove \
             one of the two.",
            "14:12: error: [providers.two] needs a base_url. For example base_url = \
             \"http://127.0.0.1:11434/v1\".",
        ]
    );
}

#[test]
fn a_key_in_the_file_is_refused_and_no_part_of_it_is_repeated() {
    let key = "sk-ant-api03-4711abcdef0815";
    for text in [
        format!("[providers.anthropic]\napi_key = \"{key}\""),
        format!("[providers.anthropic]\napi_key = \"${{{key}}}\""),
        format!("[providers.anthropic]\napi_key = \"${key}\""),
        format!("[providers.anthropic]\napi_key = {key}"),
        format!("[providers.anthropic]\napi_key = [\"{key}\"]"),
        format!("[providers.anthropic]\napi_key = '''{key}"),
        format!("[providers.anthropic]\nkey = \"{key}\""),
        format!("[providers.anthropic]\n{key} = 1"),
        format!("[providers.anthropic]\ntype = \"{key}\""),
        format!("[providers.anthropic]\nauth = \"{key}\""),
        format!("[providers.anthropic]\ndefault_model = \"{key}\""),
        format!("[providers.anthropic]\napi_key_command = \"{key}\""),
        format!("[providers.anthropic]\napi_key_command = [\"echo\", \"{key}\"]"),
        format!("[providers.anthropic]\nbase_url = \"https://{key}@x.com\""),
        format!("[providers.{key}]"),
        format!("[chains.default]\nlinks = [\"{key}\"]"),
        format!("[chains.default]\nlinks = [\"{key}/x\"]"),
        format!("[chains.{key}]"),
        format!("[models.\"{key}/x\"]\nfallback_to = \"{key}/y\""),
        format!("[ui.colours]\ntext = \"{key}\""),
        format!("[keys]\n{key} = \"{key}\"\ndraft = \"{key}\""),
        format!("[spend]\ntime_zone = \"{key}\"\ncap_month_usd = \"{key}\""),
        key.to_owned(),
    ] {
        let findings = look(&text).unwrap_err();
        let shown = format!("{findings:?} {findings:#?}");
        for part in ["4711", "0815", "abcdef", "api03"] {
            assert!(!shown.contains(part), "{text}\n{shown}");
        }
    }
    assert_eq!(
        found(&format!("[providers.anthropic]\napi_key = \"{key}\"")),
        [
            "2:11: error: a key must not stand in the config; api_key of anthropic may only name a \
             variable of the environment, as \"${NAME}\". Run `deskhand keys set anthropic` and \
             remove this line."
        ]
    );
}

#[test]
fn an_unset_variable_is_a_warning() {
    assert_eq!(
        found("[providers.openai]\napi_key = \"${AWAY}\""),
        [
            "2:11: warning: the environment has no `AWAY`, so openai has no key. Set it, or run \
             `deskhand keys set openai` and remove this line."
        ]
    );
}

#[test]
fn keys_are_checked() {
    let text = "\
[keys]
drfat = \"d\"
undo = \"d\"
redraft = [\"d d\", \"entr\"]
spam = \"gg\"
[keys.editor]
save = \"s\"
[keys.pickr]
";

    assert_eq!(
        found(text),
        [
            "2:1: error: there is no action `drfat`. Did you mean `draft`?",
            "4:12: error: `dd` for redraft is in the way of `d` for undo in line 3. Change one of \
             the two.",
            "4:19: error: `entr` is no key. Did you mean \"enter\"?",
            "5:8: error: `gg` is no key. Did you mean \"g g\"?",
            "7:8: error: `s` is text in the editor. Use a chord with Ctrl or Alt, or a named key.",
            "8:7: error: there is no action `pickr`. docs/keys.md lists them all.",
        ]
    );
    assert_eq!(
        found("[keys]\nundo = \"d\""),
        [
            "2:8: warning: `d` for undo takes `d` from draft, which has no key now. Bind draft to \
             another key; the palette has it too."
        ]
    );
    assert_eq!(
        found("[keys]\nundo = \"d\"\ndraft = \"u\""),
        Vec::<String>::new()
    );
}

#[test]
fn what_is_not_toml_says_where() {
    for (text, place) in [
        ("[spend\n", "1:"),
        ("a = \n", "1:"),
        ("\n\nx = 'y\n", "3:"),
        ("[spend]\n[spend]\n", "2:"),
        ("= 3", "1:"),
    ] {
        let findings = look(text).unwrap_err();
        let first = findings.first().unwrap();
        assert_eq!(first.severity, Severity::Error);
        assert!(
            first
                .to_string()
                .starts_with(&format!("config.toml:{place}")),
            "{text:?}: {first}"
        );
    }
}

#[test]
fn a_file_is_loaded_or_said_to_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    let load = |missing| {
        let around = Around {
            missing,
            ..around()
        };
        deskhand::config::load(&file, &around)
    };

    assert!(load(Missing::Fine).is_ok());
    assert!(load(Missing::Wrong).is_err());
    std::fs::write(&file, b"# ok\n\xff").unwrap();
    let findings = load(Missing::Fine).unwrap_err();
    assert!(findings[0].message.contains("line 2"), "{}", findings[0]);
    std::fs::write(&file, "\u{feff}[spend]\ncap_month_usd = 5").unwrap();
    assert_eq!(
        load(Missing::Wrong).unwrap().0.spend.cap,
        Cap::Month("5".parse().unwrap())
    );
}
