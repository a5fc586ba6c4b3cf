//! What columns are usually called.

use super::super::words::plain;
use crate::domain::Field;

/// Names that columns for a field have elsewhere, in lower case and without spaces and signs.
const NAMES: [(Field, &[&str]); 21] = [
    (
        Field::TicketId,
        &[
            "ticketid",
            "id",
            "ticket",
            "caseid",
            "case",
            "casenumber",
            "ticketnumber",
            "ticketno",
            "issueid",
            "issue",
            "requestid",
            "conversationid",
            "threadid",
            "vorgang",
            "vorgangsnummer",
        ],
    ),
    (Field::Number, &["number", "no", "nummer", "displayid"]),
    (
        Field::Subject,
        &[
            "subject", "title", "summary", "betreff", "objet", "asunto", "topic",
        ],
    ),
    (
        Field::Status,
        &[
            "status",
            "state",
            "ticketstatus",
            "zustand",
            "estado",
            "statut",
        ],
    ),
    (
        Field::Priority,
        &[
            "priority",
            "urgency",
            "prioritaet",
            "priorität",
            "prioridad",
            "prio",
        ],
    ),
    (
        Field::Assignee,
        &[
            "assignee",
            "assignedto",
            "agent",
            "owner",
            "assigneename",
            "bearbeiter",
        ],
    ),
    (
        Field::Tags,
        &["tags", "labels", "tag", "label", "categories", "category"],
    ),
    (
        Field::RequesterName,
        &[
            "requestername",
            "customer",
            "customername",
            "name",
            "contactname",
            "fullname",
            "kunde",
        ],
    ),
    (
        Field::RequesterEmail,
        &[
            "requesteremail",
            "requester",
            "customeremail",
            "email",
            "emailaddress",
            "contactemail",
            "mail",
            "useremail",
            "requestor",
        ],
    ),
    (
        Field::CreatedAt,
        &[
            "createdat",
            "created",
            "createddate",
            "opened",
            "openedat",
            "date",
            "datecreated",
            "erstellt",
        ],
    ),
    (
        Field::UpdatedAt,
        &[
            "updatedat",
            "updated",
            "lastupdated",
            "modified",
            "lastmodified",
            "lastactivity",
        ],
    ),
    (
        Field::MessageId,
        &["messageid", "commentid", "msgid", "articleid"],
    ),
    (
        Field::MessageNo,
        &[
            "messageno",
            "messagenumber",
            "commentno",
            "position",
            "sequence",
        ],
    ),
    (
        Field::AuthorName,
        &[
            "authorname",
            "author",
            "from",
            "sender",
            "sendername",
            "fromname",
        ],
    ),
    (
        Field::AuthorEmail,
        &["authoremail", "fromemail", "fromaddress", "senderemail"],
    ),
    (Field::Direction, &["direction", "messagetype", "incoming"]),
    (Field::Kind, &["kind", "visibility"]),
    (Field::Public, &["public", "ispublic"]),
    (
        Field::Private,
        &["private", "internal", "isprivate", "isinternal"],
    ),
    (
        Field::SentAt,
        &[
            "sentat",
            "messagecreatedat",
            "messagedate",
            "sent",
            "commentcreatedat",
            "messagetime",
        ],
    ),
    (
        Field::Body,
        &[
            "body",
            "description",
            "message",
            "text",
            "content",
            "comment",
            "comments",
            "question",
            "nachricht",
            "beschreibung",
            "mensaje",
            "details",
            "messagebody",
        ],
    ),
];

/// Returns the field that columns of this name usually hold.
pub(super) fn usual(name: &str) -> Option<Field> {
    let name = plain(name);
    NAMES
        .into_iter()
        .find(|(_, names)| names.contains(&name.as_str()))
        .map(|(field, _)| field)
}
