//! What is asked of a model, in no provider's words.

/// One request to whichever model answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// Who the model is to be and how to write.
    pub system: String,
    /// The conversation, oldest first; ends with a turn of the user.
    pub turns: Vec<Turn>,
    /// The most tokens it may write.
    pub output_limit: u32,
}

/// One turn of the conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The desk, or the customer whose words it passes on.
    User,
    /// The model.
    Assistant,
}

impl std::fmt::Debug for Ask {
    /// Writes sizes only: the words are customers'.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Ask of {} turns, at most {} tokens",
            self.turns.len(),
            self.output_limit
        )
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Turn of {:?}, {} bytes", self.role, self.text.len())
    }
}

/// Tokens a provider's template may add to each turn; none is known to add more than eight.
const TEMPLATE_TOKENS: u64 = 16;

impl Ask {
    /// Returns how many bytes its texts have.
    pub fn bytes(&self) -> u64 {
        let texts = self.turns.iter().map(|turn| turn.text.len());
        texts.chain([self.system.len()]).fold(0_u64, |sum, bytes| {
            sum.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
        })
    }

    /// Returns the most input tokens it can be: a token is never shorter than a UTF-8 byte.
    pub fn tokens_at_most(&self) -> u64 {
        let texts = self
            .turns
            .iter()
            .map(|turn| turn.text.len())
            .chain([self.system.len()]);
        texts.fold(0_u64, |sum, bytes| {
            sum.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
                .saturating_add(TEMPLATE_TOKENS)
        })
    }
}
