//! What columns are usually called.

use super::super::words::plain;
use crate::domain::Field;

/// Names that columns for a field have elsewhere, in several languages: lower case, between spaces,
/// without signs and accents.
const NAMES: [(Field, &str); 21] = [
    (
        Field::TicketId,
        "ticketid id ticket caseid case casenumber ticketnumber ticketno ticketnr \
         issueid issue requestid conversationid threadid vorgang vorgangsnummer \
         vorgangsnr ticketnummer fallnummer anfragenummer numerodeticket numeroticket \
         numerodecaso",
    ),
    (Field::Number, "number no nummer nr displayid numero"),
    (
        Field::Subject,
        "subject title summary topic betreff titel thema objet sujet titre asunto \
         titulo",
    ),
    (
        Field::Status,
        "status state ticketstatus zustand statut etat estado",
    ),
    (
        Field::Priority,
        "priority urgency prio prioritat prioritaet dringlichkeit priorite prioridad",
    ),
    (
        Field::Assignee,
        "assignee assignedto agent owner assigneename bearbeiter zustandig zustaendig \
         zugewiesenan assignea agente asignadoa",
    ),
    (
        Field::Tags,
        "tags labels tag label categories category schlagworte schlagworter kategorie \
         etiquettes etiquetas categoria categorie",
    ),
    (
        Field::RequesterName,
        "requestername customer customername name contactname fullname kunde kundenname \
         client nomduclient nom cliente nombredelcliente nombre",
    ),
    (
        Field::RequesterEmail,
        "requesteremail requester customeremail email emailaddress contactemail mail \
         useremail requestor emailadresse mailadresse kundenemail adressemail \
         adresseemail courriel correo correoelectronico",
    ),
    (
        Field::CreatedAt,
        "createdat created createddate createdon createdtime creationdate opened \
         openedat date datecreated datetime timestamp receivedat erstellt erstelltam \
         erstelldatum erstellungsdatum angelegt angelegtam eroffnet eroffnetam \
         eroeffnetam datum eingangsdatum eingegangenam cree creele datedecreation \
         datecreation ouvertle dateouverture datedouverture creado creadoel \
         fechadecreacion fechacreacion fecha abiertoel fechadeapertura",
    ),
    (
        Field::UpdatedAt,
        "updatedat updated updatedon lastupdated modified modifiedat lastmodified \
         lastmodifieddate lastactivity aktualisiert aktualisiertam geandert geandertam \
         geaendertam letzteanderung letzteaenderung letzteaktualisierung \
         zuletztgeandert zuletztaktualisiert modifiele misajour misajourle \
         datedemiseajour dernieremodification actualizado actualizadoel \
         fechadeactualizacion ultimaactualizacion modificadoel",
    ),
    (Field::MessageId, "messageid commentid msgid articleid"),
    (
        Field::MessageNo,
        "messageno messagenumber commentno position sequence",
    ),
    (
        Field::AuthorName,
        "authorname author from sender sendername fromname absender verfasser auteur \
         expediteur autor remitente",
    ),
    (
        Field::AuthorEmail,
        "authoremail fromemail fromaddress senderemail absenderemail",
    ),
    (Field::Direction, "direction messagetype incoming richtung"),
    (Field::Kind, "kind visibility sichtbarkeit"),
    (
        Field::Public,
        "public ispublic offentlich oeffentlich publico",
    ),
    (
        Field::Private,
        "private internal isprivate isinternal intern interne interno privado",
    ),
    (
        Field::SentAt,
        "sentat messagecreatedat messagedate sent commentcreatedat messagetime gesendet \
         gesendetam envoyele enviado enviadoel fechadeenvio",
    ),
    (
        Field::Body,
        "body description message text content comment comments question details \
         messagebody nachricht beschreibung anliegen inhalt kommentar texte contenu \
         commentaire mensaje descripcion contenido texto comentario",
    ),
];

/// Returns the field that columns of this name usually hold.
pub(super) fn usual(name: &str) -> Option<Field> {
    let name: String = plain(name).chars().map(without_accent).collect();
    NAMES
        .into_iter()
        .find(|(_, names)| names.split(' ').any(|known| known == name))
        .map(|(field, _)| field)
}

/// Returns the plain letter of one with an accent: tables are written with them and without.
const fn without_accent(letter: char) -> char {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_their_names_in_four_languages() {
        for (name, field) in [
            ("Erstellt am", Some(Field::CreatedAt)),
            ("Eröffnet am", Some(Field::CreatedAt)),
            ("Date de création", Some(Field::CreatedAt)),
            ("Créé le", Some(Field::CreatedAt)),
            ("Fecha de creación", Some(Field::CreatedAt)),
            ("CREADO EL", Some(Field::CreatedAt)),
            ("Created On", Some(Field::CreatedAt)),
            ("Geändert am", Some(Field::UpdatedAt)),
            ("Dernière modification", Some(Field::UpdatedAt)),
            ("Última actualización", Some(Field::UpdatedAt)),
            ("Gesendet am", Some(Field::SentAt)),
            ("Priorität", Some(Field::Priority)),
            ("Adresse e-mail", Some(Field::RequesterEmail)),
            ("Correo electrónico", Some(Field::RequesterEmail)),
            ("Colour", None),
            ("", None),
        ] {
            assert_eq!(usual(name), field, "{name}");
        }
    }
}
