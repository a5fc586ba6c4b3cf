//! `Thread-Index`, by which Outlook and Exchange name a conversation, also where other headers were
//! lost on the way (MS-OXOMSG 2.2.1.3): 22 bytes that all its mails share, then 5 for each answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_parser::Message;

/// What all mails of a conversation begin with: 1 reserved byte, 5 of its time, 16 of its id.
const SHARED: usize = 22;
/// 100 answers deep; more no honest mail has.
const MOST: usize = 1_000;

/// Returns the name of the conversation, if the mail has one.
pub(super) fn read(message: &Message<'_>) -> Option<String> {
    let header = message.header_raw("Thread-Index")?;
    let text: String = header.chars().filter(|c| !c.is_whitespace()).collect();
    of_header(&text)
}

fn of_header(text: &str) -> Option<String> {
    if text.len() > MOST {
        return None;
    }
    let bytes = STANDARD.decode(text).ok()?;
    let shared = bytes.get(..SHARED)?;
    Some(format!("thread-index:{}", STANDARD.encode(shared)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_name_of_its_first_mail() {
        let first: Vec<u8> = (0..22).collect();
        let mut answer = first.clone();
        answer.extend([9, 9, 9, 9, 9]);

        let name = of_header(&STANDARD.encode(&first));

        assert!(name.is_some());
        assert_eq!(name, of_header(&STANDARD.encode(&answer)));
        assert_eq!(of_header(&STANDARD.encode(&first[..21])), None);
        assert_eq!(of_header("no base64!"), None);
    }
}
