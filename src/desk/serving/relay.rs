//! Passes an answer on as the machine shows it: kept back for a moment, so that an early failure is
//! never seen, then piece by piece.

use std::{fmt, time::Duration};

use super::pipe::Teller;
use crate::{
    desk::drive::relay::Relay,
    domain::{Attempt, FaultClass, LinkName, Mono, Receipt, SkipReason, Skipped, Usage},
    engine::{
        answer::{CallPiece, Verbatim},
        attempts::Story,
        plan::{Plan, Usable},
    },
    llm::{
        heard::Heard,
        wire::{Delta, Finish, Stop},
    },
};

/// A piece of an answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// A piece of a tool call.
    Call(CallPiece),
    /// What the provider wrote, as it was written.
    Verbatim(Verbatim),
}

impl fmt::Debug for Piece {
    /// The words are a customer's answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "words of {} bytes", text.len()),
            Self::Call(call) => call.fmt(f),
            Self::Verbatim(verbatim) => verbatim.fmt(f),
        }
    }
}

/// What is told of a request while it is answered.
#[derive(Clone, Debug)]
pub enum Told {
    /// Who answers; told once, before the first piece.
    Head(Head),
    /// The next piece.
    Piece(Piece),
}

/// Who answers, and what came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The link.
    pub link: LinkName,
    /// The model, as it named itself; else as the link names it.
    pub model: String,
    /// How many links were asked so far.
    pub attempts: usize,
    /// Why it was not the first link of the chain: `openai/gpt-4o: rate limited`.
    pub fallback: Option<String>,
    /// Whether the pieces come as the provider wrote them.
    pub is_verbatim: bool,
}

impl Head {
    /// Returns who spoke last in a request that is over; none if nobody was asked.
    pub fn of(receipt: &Receipt) -> Option<Self> {
        let last = receipt.attempts.last()?;
        let named = last.answered_by.as_ref();
        Some(Self {
            link: last.link.clone(),
            model: named.unwrap_or(&last.link.model.0).clone(),
            attempts: receipt.attempts.len(),
            fallback: fallback(
                &receipt.chain,
                &last.link,
                &receipt.attempts,
                &receipt.skipped,
            ),
            is_verbatim: false,
        })
    }
}

/// How an answer ended, in no provider's words.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Closing {
    /// Why the model stopped.
    pub stop: Stopped,
    /// The stop sequence that it met, where its provider names it.
    pub sequence: Option<String>,
    /// What the provider counted.
    pub usage: Usage,
}

impl fmt::Debug for Closing {
    /// A stop sequence is a caller's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Closing {:?}, {:?}", self.stop, self.usage)
    }
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stopped {
    /// It was done.
    #[default]
    End,
    /// It reached the output limit.
    Limit,
    /// It asks for tools.
    Calls,
    /// It met a stop sequence.
    Sequence,
}

/// How long the beginning of a streamed answer is kept back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldBack {
    /// At most so long.
    pub time: Duration,
    /// At most so many pieces, each about a token.
    pub pieces: usize,
}

/// What one attempt brought.
#[derive(Default)]
struct Brought {
    attempt: u32,
    is_verbatim: bool,
    model: Option<String>,
    /// What may leave once the attempt is shown.
    pieces: Vec<Piece>,
    /// What came when the model said why it stops: kept until its end was heard, so that a cut is
    /// never passed off as an end.
    ending: Vec<Piece>,
    is_stopping: bool,
    /// How it failed, if it did: what it brought is no answer any more.
    failed: Option<FaultClass>,
    count: usize,
    closing: Option<Closing>,
}

/// Where pieces go.
pub(super) enum Out {
    /// To a client that reads along.
    Stream(Teller, HoldBack),
    /// Nowhere before the end.
    Kept,
}

/// The relay of one request.
pub(super) struct Passing {
    out: Out,
    chain: Vec<LinkName>,
    left: Vec<Skipped>,
    brought: Vec<Brought>,
    shown: Option<Shown>,
    is_released: bool,
}

/// Who is shown, and since when.
#[derive(Clone, Debug)]
struct Shown {
    attempt: u32,
    link: LinkName,
    since: Mono,
}

/// The answer that was shown, for one who did not read along.
pub(super) struct Kept {
    pub head: Option<Head>,
    pub pieces: Vec<Piece>,
    pub closing: Closing,
}

impl Passing {
    pub(super) fn new(out: Out, chain: Vec<LinkName>) -> Self {
        Self {
            out,
            chain,
            left: Vec::new(),
            brought: Vec::new(),
            shown: None,
            is_released: false,
        }
    }

    /// Says which links are left alone for now, and why: the run tells of it only at its end, when
    /// it knows that they were not needed.
    pub(super) fn leaving(mut self, plan: &Plan) -> Self {
        let left = plan.links.iter().filter_map(|planned| {
            let because = match &planned.usable {
                Usable::Open { until, .. } => SkipReason::Open { until: *until },
                Usable::Resting { until, because } => SkipReason::Resting {
                    until: *until,
                    because: *because,
                },
                Usable::Yes | Usable::HalfOpen | Usable::No(_) => return None,
            };
            let link = planned.link.name.clone();
            Some(Skipped { link, because })
        });
        self.left = left.collect();
        self
    }

    /// Tells whether something has left.
    pub(super) const fn is_released(&self) -> bool {
        self.is_released
    }

    /// The run ended because a model declined: how it said so is its answer's end. One that said
    /// nothing before it did was never shown; then what `link`, the last that was asked, wrote is
    /// shown.
    pub(super) fn declined(&mut self, link: Option<&LinkName>) {
        let mut brought = self.brought.iter().rev();
        if let (None, Some(link)) = (&self.shown, link)
            && let Some(last) = brought.find(|brought| brought.failed == Some(FaultClass::Refused))
        {
            self.shown = Some(Shown {
                attempt: last.attempt,
                link: link.clone(),
                since: Mono::default(),
            });
        }
        let Some(mut brought) = self.take_shown() else {
            return;
        };
        brought.pieces.append(&mut brought.ending);
        if self.is_released {
            for piece in std::mem::take(&mut brought.pieces) {
                if is_told(&piece, brought.is_verbatim) {
                    self.tell(Told::Piece(piece));
                }
            }
        }
        self.brought.push(brought);
    }

    /// Returns the answer that was shown.
    pub(super) fn into_kept(mut self, attempts: &[Attempt], skipped: &[Skipped]) -> Kept {
        let Some(mut brought) = self.take_shown() else {
            return Kept {
                head: None,
                pieces: Vec::new(),
                closing: Closing::default(),
            };
        };
        let pieces = std::mem::take(&mut brought.pieces);
        let closing = brought.closing.take().unwrap_or_default();
        let head = self.head(&brought, attempts, skipped);
        let pieces = pieces
            .into_iter()
            .filter(|piece| is_told(piece, brought.is_verbatim))
            .collect();
        Kept {
            head,
            pieces,
            closing,
        }
    }

    fn of(&mut self, attempt: u32) -> &mut Brought {
        let place = self
            .brought
            .iter()
            .position(|brought| brought.attempt == attempt);
        let place = place.unwrap_or_else(|| {
            self.brought.push(Brought {
                attempt,
                ..Brought::default()
            });
            self.brought.len() - 1
        });
        // It was found or just put there.
        #[expect(clippy::indexing_slicing, reason = "the place was found above")]
        &mut self.brought[place]
    }

    fn tell(&self, told: Told) {
        if let Out::Stream(teller, _) = &self.out {
            teller.tell(told);
        }
    }

    /// Takes out what the one that is shown brought.
    fn take_shown(&mut self) -> Option<Brought> {
        let attempt = self.shown.as_ref()?.attempt;
        let mut brought = self.brought.iter();
        let place = brought.position(|brought| brought.attempt == attempt)?;
        Some(self.brought.swap_remove(place))
    }

    /// Says who is shown; none where nobody is.
    fn head(&self, brought: &Brought, attempts: &[Attempt], skipped: &[Skipped]) -> Option<Head> {
        let link = &self.shown.as_ref()?.link;
        let model = brought.model.clone();
        let skipped: Vec<Skipped> = skipped.iter().chain(&self.left).cloned().collect();
        Some(Head {
            model: model.unwrap_or_else(|| link.model.0.clone()),
            attempts: attempts.len(),
            fallback: fallback(&self.chain, link, attempts, &skipped),
            is_verbatim: brought.is_verbatim,
            link: link.clone(),
        })
    }
}

/// Why a link did not answer that nobody waited for: after failures it is tried beside another.
const TRIED_BESIDE: &str = "another answered first";

/// Says why another link than the first of the chain answers; none when the first does.
pub(super) fn fallback(
    chain: &[LinkName],
    answered: &LinkName,
    attempts: &[Attempt],
    skipped: &[Skipped],
) -> Option<String> {
    if chain.first() == Some(answered) {
        return None;
    }
    let before = chain.iter().take_while(|link| *link != answered);
    let words = before.filter_map(|link| {
        let failed = attempts
            .iter()
            .rev()
            .find(|attempt| attempt.link == *link && attempt.class.is_some());
        if let Some(class) = failed.and_then(|attempt| attempt.class) {
            let words = if class == FaultClass::Cancelled {
                TRIED_BESIDE
            } else {
                class.words()
            };
            return Some(format!("{link}: {words}"));
        }
        let skip = skipped.iter().find(|skip| skip.link == *link)?;
        let words = if skip.because == SkipReason::NotNeeded {
            TRIED_BESIDE.to_owned()
        } else {
            skip.because.words()
        };
        Some(format!("{link}: {words}"))
    });
    Some(words.collect::<Vec<_>>().join("; "))
}

fn is_told(piece: &Piece, is_verbatim: bool) -> bool {
    matches!(piece, Piece::Verbatim(_)) == is_verbatim
}

impl Relay for Passing {
    fn heard(&mut self, attempt: u32, heard: &Heard) {
        let brought = self.of(attempt);
        match heard {
            Heard::Opened(opening) => brought.is_verbatim = opening.verbatim,
            Heard::Delta(delta) => brought.take(delta),
            Heard::Ended(finish) => brought.end(finish),
            Heard::Failed(fault, _) => {
                brought.failed = Some(fault.class);
                // A model that declines says so in an answer of its own; see `declined`.
                if fault.class != FaultClass::Refused {
                    brought.ending.clear();
                }
            }
        }
    }

    fn show(&mut self, attempt: u32, link: &LinkName, now: Mono) {
        if self
            .shown
            .as_ref()
            .is_none_or(|shown| shown.attempt != attempt)
        {
            self.shown = Some(Shown {
                attempt,
                link: link.clone(),
                since: now,
            });
        }
    }

    fn replace(&mut self) {
        if let Some(shown) = self.shown.take() {
            self.brought
                .retain(|brought| brought.attempt != shown.attempt);
        }
    }

    fn due(&self, now: Mono) -> Option<Duration> {
        let (Out::Stream(_, hold), Some(shown)) = (&self.out, &self.shown) else {
            return None;
        };
        let mut brought = self.brought.iter();
        let is_alive =
            brought.any(|brought| brought.attempt == shown.attempt && brought.failed.is_none());
        (is_alive && !self.is_released).then(|| hold.time.saturating_sub(now.since(shown.since)))
    }

    fn release(&mut self, now: Mono, story: &Story) -> bool {
        let Out::Stream(_, hold) = &self.out else {
            return false;
        };
        let hold = *hold;
        let Some(since) = self.shown.as_ref().map(|shown| shown.since) else {
            return false;
        };
        let Some(mut brought) = self.take_shown() else {
            return false;
        };
        if brought.failed.is_some() {
            // What failed does not begin to leave: another may answer yet.
            self.brought.push(brought);
            return false;
        }
        let is_due = brought.closing.is_some()
            || brought.count >= hold.pieces
            || now.since(since) >= hold.time;
        let is_first = is_due && !self.is_released;
        if is_first {
            self.is_released = true;
            if let Some(head) = self.head(&brought, &story.attempts, &story.skipped) {
                self.tell(Told::Head(head));
            }
        }
        if self.is_released {
            for piece in std::mem::take(&mut brought.pieces) {
                if is_told(&piece, brought.is_verbatim) {
                    self.tell(Told::Piece(piece));
                }
            }
        }
        self.brought.push(brought);
        is_first
    }
}

impl Brought {
    fn take(&mut self, delta: &Delta) {
        let piece = match delta {
            // What is passed on as it was written is not spelled again.
            Delta::Text(_) | Delta::Call(_) if self.is_verbatim => {
                self.count += 1;
                // It goes on, so what was said of its end was not it: some say it with every piece.
                self.is_stopping = false;
                self.pieces.append(&mut self.ending);
                return;
            }
            Delta::Text(text) => {
                self.count += 1;
                Piece::Text(text.clone())
            }
            Delta::Call(call) => {
                self.count += 1;
                Piece::Call(call.clone())
            }
            Delta::Verbatim(verbatim) => Piece::Verbatim(verbatim.clone()),
            Delta::Model(model) => {
                self.model = Some(model.clone());
                return;
            }
            Delta::Stopping => {
                self.is_stopping = true;
                return;
            }
            Delta::InOnePiece => {
                self.is_verbatim = false;
                return;
            }
            Delta::Thinking | Delta::Alive | Delta::Request(_) | Delta::Other => return,
        };
        // Only what the provider wrote says how it ended; words are words.
        if self.is_stopping && matches!(piece, Piece::Verbatim(_)) {
            self.ending.push(piece);
        } else {
            self.pieces.push(piece);
        }
    }

    fn end(&mut self, finish: &Finish) {
        self.pieces.append(&mut self.ending);
        if let Some(model) = &finish.model {
            self.model = Some(model.clone());
        }
        self.closing = Some(Closing {
            stop: match finish.stop {
                Stop::End => Stopped::End,
                Stop::Limit => Stopped::Limit,
                Stop::Calls => Stopped::Calls,
                Stop::Sequence => Stopped::Sequence,
            },
            sequence: finish.sequence.clone(),
            usage: finish.usage.clone(),
        });
    }
}
