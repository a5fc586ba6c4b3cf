//! What is advised speaks of what is there.

use super::DeskError;
use crate::source::mail::smtp::SmtpError;

#[test]
fn a_server_that_takes_no_token_is_not_said_to_keep_a_reply() {
    let error = DeskError::Smtp {
        address: "support@acme.test".to_owned(),
        error: SmtpError::NoToken {
            server: "smtp://127.0.0.1:25".to_owned(),
        },
    };

    assert_eq!(
        error.to_string(),
        "Mail of support@acme.test cannot be sent: smtp://127.0.0.1:25 takes no sign-in with a \
         token (OAUTHBEARER, XOAUTH2)."
    );
    let advice = error.advice().unwrap_or_default();
    assert!(advice.contains("sign in with a password"), "{advice}");
    assert!(!advice.contains("reply"), "{advice}");
}
