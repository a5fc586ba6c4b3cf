//! Plausible replies: written templates, chosen by what the ticket is about and filled from it.

/// A kind of ticket: the words that show it, and the reply. `{name}`, `{order}` and `{subject}`
/// are filled in.
struct Template {
    words: &'static [&'static str],
    text: &'static str,
}

const TEMPLATES: [Template; 15] = [
    Template {
        words: &[
            "previous instructions",
            "your instructions",
            "full text of your",
            "without asking",
            "do not mention",
        ],
        text: "Hello {name},\n\nThank you for your message. It asks for things that we do not \
               decide by mail, so none of it has been done, and our security team has it \
               now.\n\nIf there is something about your own account that I can help with, \
               please tell me in your words.\n\nBest regards",
    },
    Template {
        words: &["您好", "谢谢", "订单"],
        text: "{name}，您好：\n\n感谢您的来信。您的付款{order}我们正在与财务核对，核对完成后会立即\
               更新订单状态，并把发票发到您的邮箱。为了尽快查到这笔款项，请告诉我们付款的日期和金额。\
               \n\n此致",
    },
    Template {
        words: &["cambio", "hola", "¿", "gracias", "factura de"],
        text: "Hola {name}:\n\nGracias por escribirnos. Puede hacerlo usted mismo en Ajustes > \
               Suscripción: elija el plan nuevo y confirme. El cambio vale desde ese momento y la \
               diferencia aparece en la próxima factura. Si prefiere que lo hagamos nosotros, \
               díganos qué plan desea y desde qué día.\n\nUn saludo cordial",
    },
    Template {
        words: &["guten tag", "vielen dank", "bitte", "rechnung"],
        text: "Guten Tag {name},\n\nvielen Dank für Ihre Nachricht. Ich habe Ihr Anliegen{order} \
               an die zuständige Kollegin gegeben und melde mich, sobald ich mehr weiß. Falls \
               es etwas gibt, das wir dafür noch wissen sollten, schreiben Sie es gern \
               dazu.\n\nFreundliche Grüße",
    },
    Template {
        words: &["refund", "money back", "returned", "dispute", "chargeback"],
        text: "Hi {name},\n\nI am sorry that this took more than one message. I have looked up \
               your return{order} and asked our payments team to confirm the refund today. As \
               soon as they do, you get a mail with the amount and the date; banks usually need \
               a few working days after that.\n\nYou do not need to open a dispute. If anything \
               is still missing by the end of the week, just answer this mail and it comes \
               straight back to me.\n\nBest regards",
    },
    Template {
        words: &[
            "locked out",
            "log in",
            "login",
            "password",
            "sso",
            "assertion",
            "2fa",
        ],
        text: "Hello {name},\n\nI understand that nobody can get in right now, so this goes \
               first. A sign-in that suddenly fails for everyone is most often a clock or a \
               certificate: please check that the clock of your identity provider is right and \
               that its signing certificate has not run out. Meanwhile I am checking the log on \
               our side.\n\nCould you send me the exact time of one failed sign-in and the \
               address it was for? With that I can find it at once.\n\nBest regards",
    },
    Template {
        words: &["csv", "import", "spreadsheet", "last row", "columns"],
        text: "Hi {name},\n\nThank you for the clear description. When the last row of an import \
               goes missing, the file usually ends without a line break, or with a stray quote. \
               Could you open it in a text editor, add an empty line at the end and try once \
               more?\n\nIf the row is still missing, please attach the file (a few rows are \
               enough, with names replaced) and I will have a developer look at it.\n\nBest \
               regards",
    },
    Template {
        words: &["invoice", "vat", "tax", "billing address", "receipt for"],
        text: "Hello {name},\n\nOf course. I can issue the invoice{order} again with the right \
               details. Please send me the company name, the address and the VAT number exactly \
               as they should read, and I will mail you the corrected PDF. The old invoice is \
               cancelled by it, so your books stay in order.\n\nBest regards",
    },
    Template {
        words: &["webhook", "api", "rate limit", "429", "endpoint", "retries"],
        text: "Hi {name},\n\nThanks for the details. A 429 from us carries a Retry-After header: \
               if your client waits that long and then goes on, nothing is lost, and a batch \
               does not need to start over. For bulk work we suggest at most four requests at a \
               time.\n\nIf you send me the id of one rejected request, I will check which limit \
               it met and whether yours should be higher.\n\nBest regards",
    },
    Template {
        words: &[
            "parcel", "delivery", "shipping", "tracking", "arrived", "courier",
        ],
        text: "Hello {name},\n\nI am sorry that your parcel is late. I have asked the courier \
               where it is{order} and will write to you as soon as they answer. If it turns out \
               to be lost, we send it again or refund it, whichever you prefer.\n\nCould you \
               confirm the delivery address for me, just in case?\n\nBest regards",
    },
    Template {
        words: &["cancel", "unsubscribe", "close my account", "terminate"],
        text: "Hi {name},\n\nThank you for letting us know. I can cancel the subscription for \
               you{order}; it then stays active until the end of the period that is paid. Please \
               confirm with a short answer that you want this, and tell me if there is something \
               we could have done better.\n\nBest regards",
    },
    Template {
        words: &["export", "gdpr", "delete my data", "privacy", "60 days"],
        text: "Hello {name},\n\nThank you for your request. An export of everything stored about \
               your account can be started under Settings > Privacy; it is ready within a day \
               and can be fetched for seven days. If you need data that is older than what is \
               shown there, tell me the period and I will ask our data team.\n\nBest regards",
    },
    Template {
        words: &[
            "crash",
            "error",
            "bug",
            "does not work",
            "broken",
            "fails",
            "screenshot",
        ],
        text: "Hi {name},\n\nThank you for the report, and sorry for the trouble. So that we can \
               see the same thing: which version do you use, on which system, and what were you \
               doing just before it happened? A screenshot helps if you have one.\n\nI have \
               noted the ticket for our developers and will tell you what they find.\n\nBest \
               regards",
    },
    Template {
        words: &[
            "dark mode",
            "feature",
            "would be great",
            "suggestion",
            "wish",
        ],
        text: "Hello {name},\n\nThank you for the idea. Others have asked for it too, so I have \
               added your voice to the request. I cannot promise a date, but I will write to you \
               here when there is news.\n\nBest regards",
    },
    Template {
        words: &["thank you", "thanks", "great", "solved"],
        text: "Hi {name},\n\nThank you for telling us, I am glad that it works now. I close the \
               ticket; if it comes up again, just answer this mail.\n\nBest regards",
    },
];

const OTHERWISE: [&str; 2] = [
    "Hello {name},\n\nThank you for your message about \"{subject}\". I have read it and am \
     looking into it now. So that I find the right thing: could you tell me since when you see \
     this, and whether anything changed on your side shortly before?\n\nBest regards",
    "Hi {name},\n\nThank you for writing to us about \"{subject}\". I am checking this with a \
     colleague and will come back to you with an answer. If there is a deadline on your side, \
     please tell me, and I will plan for it.\n\nBest regards",
];

/// Writes a reply to the last message of the customer in a prompt.
pub(super) fn answer(prompt: &[String]) -> String {
    let whole = prompt.last().map(String::as_str).unwrap_or_default();
    let last = last_message(whole);
    let subject = field(whole, "Subject: ").unwrap_or("your request");
    let name = first_name(field(last, "Name: "));
    let lower = format!("{} {}", subject.to_lowercase(), last.to_lowercase());
    let hits = |template: &&Template| {
        template
            .words
            .iter()
            .filter(|word| has_word(&lower, word))
            .count()
    };
    let best = TEMPLATES
        .iter()
        .filter(|template| hits(template) > 0)
        .max_by_key(hits);
    let text = best.map_or_else(|| otherwise(subject), |template| template.text);
    let order = order_number(last).or_else(|| order_number(whole));
    let filled = text
        .replace("{name}", &name)
        .replace(
            "{order}",
            &order.map(|order| format!(" ({order})")).unwrap_or_default(),
        )
        .replace("{subject}", subject);
    as_wished(&filled, whole)
}

/// Tells whether a word or phrase begins where a word does: `api` is not in `rapid`.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().last());
        !word.is_ascii() || before.is_none_or(|c| !c.is_alphanumeric())
    })
}

/// Two tickets about nothing we know get different words.
fn otherwise(subject: &str) -> &'static str {
    let [first, second] = OTHERWISE;
    if subject.len().is_multiple_of(2) {
        first
    } else {
        second
    }
}

/// Does what the agent wants of it, roughly.
fn as_wished(text: &str, prompt: &str) -> String {
    let wish = prompt
        .rsplit_once("What the agent wants of it: ")
        .map(|(_, wish)| wish);
    let Some(wish) = wish.map(str::to_lowercase) else {
        return text.to_owned();
    };
    if wish.contains("short") {
        let mut parts: Vec<&str> = text.split("\n\n").collect();
        if parts.len() > 3 {
            parts.drain(2..parts.len() - 1);
        }
        return parts.join("\n\n");
    }
    if wish.contains("long") {
        let more = "\n\nIf it is easier for you, we can also talk on the phone: tell me a time \
                    that suits you and a number.";
        return match text.rsplit_once("\n\n") {
            Some((body, regards)) => format!("{body}{more}\n\n{regards}"),
            None => format!("{text}{more}"),
        };
    }
    if wish.contains("warm") {
        return text.replacen(
            "\n\n",
            "\n\nI know how annoying this must be, and I am sorry. ",
            1,
        );
    }
    text.to_owned()
}

/// Returns the customer's last message, where the prompt marks messages; else all of it.
fn last_message(prompt: &str) -> &str {
    let Some((_, after)) = prompt.rsplit_once(", from the customer") else {
        return prompt;
    };
    after.split("\n===").next().unwrap_or(after)
}

fn field<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    Some(line.trim()).filter(|line| !line.is_empty())
}

fn first_name(name: Option<&str>) -> String {
    let first = name.and_then(|name| name.split([' ', ',', '@', '.']).find(|word| word.len() > 1));
    let plain = first.filter(|word| word.chars().all(char::is_alphabetic));
    plain.unwrap_or("there").to_owned()
}

/// Finds what looks like an order, invoice or case number.
fn order_number(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '-'));
    let is_number = |word: &&str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        (4..=9).contains(&digits)
            && word.len() <= 14
            && word
                .chars()
                .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '-')
            && !word.contains("20")
    };
    words.into_iter().find(is_number).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(subject: &str, name: &str, text: &str) -> Vec<String> {
        vec![
            "You write replies.".to_owned(),
            format!(
                "=== qx ticket #1\nSubject: {subject}\n=== qx message 1 of 1, from the customer, \
                 today\nName: {name}\n{text}\n=== qx end of the ticket\n\nWrite the reply."
            ),
        ]
    }

    #[test]
    fn an_answer_speaks_to_the_person_about_the_matter() {
        let answer = answer(&prompt(
            "Refund not received",
            "Maya Chen",
            "I returned order 88213.",
        ));

        assert!(answer.starts_with("Hi Maya,"), "{answer}");
        assert!(answer.contains("(88213)"), "{answer}");
        assert!(answer.contains("refund"), "{answer}");
    }

    #[test]
    fn another_ticket_gets_another_answer() {
        let one = answer(&prompt(
            "CSV import cuts last row",
            "J Osei",
            "The import loses a row.",
        ));
        let two = answer(&prompt(
            "¿Cómo cambio el plan?",
            "Lucía",
            "Hola, ¿cómo cambio de plan?",
        ));

        assert!(one.contains("import"), "{one}");
        assert!(two.starts_with("Hola"), "{two}");
    }

    #[test]
    fn a_wish_is_followed() {
        let mut wished = prompt("Refund", "Maya Chen", "Where is my refund?");
        let long = answer(&wished);
        wished[1].push_str(" What the agent wants of it: shorter");

        assert!(answer(&wished).len() < long.len());
    }
}
