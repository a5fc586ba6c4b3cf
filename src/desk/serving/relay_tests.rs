use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    pipe::{Hearer, pipe},
    relay::{Closing, HoldBack, Out, Passing, Piece, Stopped, Told},
};
use crate::{
    desk::drive::relay::Relay,
    domain::{Fault, FaultClass, LinkName, Mono, Usage},
    engine::{answer::Verbatim, attempts::Story},
    llm::{
        heard::{Heard, Opening},
        wire::{Delta, Finish, Stop},
    },
};

const HOLD: HoldBack = HoldBack {
    time: Duration::from_millis(400),
    pieces: 3,
};

/// A moment so many milliseconds after the beginning.
fn ms(millis: u64) -> Mono {
    Mono::default().after(Duration::from_millis(millis))
}

/// A stream, as its client hears it.
struct Stage {
    passing: Passing,
    hearer: Hearer,
    story: Story,
}

impl Stage {
    fn new() -> Self {
        let (teller, hearer) = pipe(CancellationToken::new());
        let chain = vec![first(), second()];
        Self {
            passing: Passing::new(Out::Stream(teller, HOLD), chain),
            hearer,
            story: Story::default(),
        }
    }

    /// An answer that is passed on as it is written has left up to the word for its stop.
    fn stopping() -> Self {
        let mut stage = Self::new();
        stage.opens(1, true);
        for word in ["a", "b", "c"] {
            stage.brings(1, &first(), text(word), 0);
            stage.brings(1, &first(), event(&format!("[{word}]")), 0);
        }
        stage.brings(1, &first(), Delta::Stopping, 1);
        stage
    }

    /// The first attempt fails.
    fn fails(&mut self, class: FaultClass) {
        let fault = Fault::new(class);
        self.passing
            .heard(1, &Heard::failed(fault, Usage::default()));
    }

    /// The attempt brings something and, if it is words, the machine shows it.
    fn brings(&mut self, attempt: u32, link: &LinkName, delta: Delta, at: u64) -> bool {
        let is_text = matches!(delta, Delta::Text(_) | Delta::Call(_));
        self.passing.heard(attempt, &Heard::Delta(delta));
        if is_text {
            self.passing.show(attempt, link, ms(at));
        }
        self.passing.release(ms(at), &self.story)
    }

    fn opens(&mut self, attempt: u32, verbatim: bool) {
        let opening = Opening {
            verbatim,
            ..Opening::default()
        };
        self.passing.heard(attempt, &Heard::opened(opening));
    }

    fn ends(&mut self, attempt: u32, stop: Stop) -> bool {
        let finish = Finish {
            stop,
            usage: Usage::default(),
            model: Some("as-it-says".to_owned()),
            said: None,
            sequence: None,
        };
        self.passing.heard(attempt, &Heard::ended(finish));
        self.passing.release(ms(0), &self.story)
    }

    /// Returns what has left; waits for nothing.
    fn left(&mut self) -> Vec<Told> {
        use futures::FutureExt as _;
        self.hearer
            .hear()
            .now_or_never()
            .flatten()
            .unwrap_or_default()
    }

    fn words(&mut self) -> String {
        self.left()
            .into_iter()
            .filter_map(|told| match told {
                Told::Piece(Piece::Text(text)) => Some(text),
                Told::Piece(Piece::Verbatim(Verbatim::Event { data, .. })) => Some(data),
                Told::Head(_) | Told::Piece(Piece::Call(_) | Piece::Verbatim(_)) => None,
            })
            .collect()
    }
}

fn first() -> LinkName {
    LinkName::new("openai", "big")
}

fn second() -> LinkName {
    LinkName::new("anthropic", "small")
}

fn text(words: &str) -> Delta {
    Delta::Text(words.to_owned())
}

fn event(data: &str) -> Delta {
    Delta::Verbatim(Verbatim::Event {
        name: None,
        data: data.to_owned(),
    })
}

#[test]
fn the_beginning_is_kept_back_for_a_time_or_some_pieces() {
    let mut stage = Stage::new();
    assert!(!stage.brings(1, &first(), text("a"), 0));
    assert!(!stage.brings(1, &first(), text("b"), 100));
    assert_eq!(stage.passing.due(ms(100)), Some(Duration::from_millis(300)));
    assert!(stage.left().is_empty(), "nothing has left");

    assert!(
        stage.brings(1, &first(), text("c"), 110),
        "three pieces are enough"
    );
    assert_eq!(stage.words(), "abc");
    assert!(
        !stage.brings(1, &first(), text("d"), 111),
        "the first leaves once"
    );
    assert_eq!(stage.words(), "d");
    assert_eq!(stage.passing.due(ms(111)), None);

    let mut slow = Stage::new();
    slow.brings(1, &first(), text("a"), 0);
    assert!(slow.passing.release(ms(400), &slow.story));
    assert_eq!(slow.words(), "a");
}

#[test]
fn an_early_failure_is_never_seen() {
    let mut stage = Stage::new();
    stage.brings(1, &first(), text("half an ans"), 0);
    stage.fails(FaultClass::Cut);
    stage.passing.replace();
    stage.brings(2, &second(), text("a whole"), 50);
    stage.brings(2, &second(), text(" answer"), 51);

    assert!(stage.ends(2, Stop::End), "an end lets everything go");

    let told = stage.left();
    let Some(Told::Head(head)) = told.first() else {
        panic!("no head");
    };
    assert_eq!((&head.link, head.model.as_str()), (&second(), "as-it-says"));
    assert!(head.fallback.is_some());
    assert_eq!(told.len(), 3, "the head and two pieces: {told:?}");
}

#[test]
fn what_failed_does_not_leave_while_the_next_is_waited_for() {
    let mut stage = Stage::new();
    stage.brings(1, &first(), text("half"), 0);
    stage.fails(FaultClass::Cut);

    assert_eq!(stage.passing.due(ms(100)), None);
    assert!(
        !stage.passing.release(ms(800), &stage.story),
        "the hold is over, the answer is not"
    );
    stage.passing.replace();
    stage.brings(2, &second(), text("whole"), 900);
    stage.ends(2, Stop::End);

    assert_eq!(stage.words(), "whole");
}

#[test]
fn a_model_that_declines_ends_its_own_answer() {
    let mut stage = Stage::stopping();
    stage.brings(1, &first(), event("[declined]"), 1);
    stage.fails(FaultClass::Refused);
    stage.passing.release(ms(2), &stage.story);
    assert_eq!(stage.words(), "[a][b][c]");

    stage.passing.declined(None);

    assert_eq!(stage.words(), "[declined]");
}

#[test]
fn what_says_how_it_ended_leaves_when_it_did() {
    let mut stage = Stage::stopping();
    assert_eq!(stage.words(), "[a][b][c]", "as the provider wrote it, once");
    stage.brings(1, &first(), event("[finish]"), 1);
    assert_eq!(stage.words(), "", "the connection may still break");

    stage.ends(1, Stop::End);

    assert_eq!(stage.words(), "[finish]");
}

#[test]
fn a_cut_takes_its_end_mark_with_it() {
    let mut stage = Stage::stopping();
    stage.brings(1, &first(), event("[finish]"), 1);
    stage.fails(FaultClass::Cut);
    stage.passing.release(ms(2), &stage.story);

    assert_eq!(stage.words(), "[a][b][c]");
    assert!(stage.passing.is_released());
}

#[test]
fn an_answer_in_one_piece_is_kept_to_its_end() {
    let mut passing = Passing::new(Out::Kept, vec![first()]);
    passing.heard(1, &Heard::Delta(text("all of it")));
    passing.show(1, &first(), ms(0));
    assert!(!passing.release(ms(9_999), &Story::default()));
    assert_eq!(passing.due(ms(0)), None);
    let finish = Finish {
        stop: Stop::Limit,
        usage: Usage::default(),
        model: None,
        said: None,
        sequence: None,
    };
    passing.heard(1, &Heard::ended(finish));

    let kept = passing.into_kept(&[], &[]);

    assert_eq!(kept.pieces, [Piece::Text("all of it".to_owned())]);
    let closing = Closing {
        stop: Stopped::Limit,
        ..Closing::default()
    };
    assert_eq!(kept.closing, closing);
    assert_eq!(kept.head.unwrap().model, "big");
}

/// A model that declines in one piece says nothing that is shown before.
#[test]
fn a_refusal_in_one_piece_is_kept_as_it_was_written() {
    let body = || Verbatim::Body(b"{}".to_vec());
    let refuses = |is_refusal: bool| {
        let mut passing = Passing::new(Out::Kept, vec![first()]);
        let opening = Opening {
            verbatim: true,
            ..Opening::default()
        };
        passing.heard(1, &Heard::opened(opening));
        passing.heard(1, &Heard::Delta(Delta::Verbatim(body())));
        let class = if is_refusal {
            FaultClass::Refused
        } else {
            FaultClass::Cut
        };
        passing.heard(1, &Heard::failed(Fault::new(class), Usage::default()));
        passing.declined(Some(&first()));
        passing.into_kept(&[], &[]).pieces
    };

    assert_eq!(refuses(true), [Piece::Verbatim(body())]);
    assert_eq!(refuses(false), []);
}

#[test]
fn an_answer_in_one_piece_leaves_a_stream_as_words_of_our_own() {
    let mut stage = Stage::new();
    stage.opens(1, true);

    stage.brings(1, &first(), Delta::InOnePiece, 0);
    stage.brings(1, &first(), text("Hello"), 0);
    stage.brings(1, &first(), Delta::Alive, 400);

    let told = stage.left();
    let [Told::Head(head), Told::Piece(Piece::Text(words))] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(!head.is_verbatim);
    assert_eq!(words, "Hello");
}

#[test]
fn no_words_are_told_to_a_log() {
    let told = [
        Told::Piece(Piece::Text("Noor lives here".to_owned())),
        Told::Piece(Piece::Verbatim(Verbatim::Body(b"Noor".to_vec()))),
    ];
    let closing = Closing {
        sequence: Some("Noor".to_owned()),
        ..Closing::default()
    };

    let log = format!("{told:?} {closing:?}");

    assert!(!log.contains("Noor"), "{log}");
}
