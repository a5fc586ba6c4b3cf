//! The schemas of Gemini, which are a part of `OpenAPI`'s, as JSON schemas.

use crate::engine::ask::json::Json;

/// Makes a JSON schema of a schema of Google's: types in lower case, `nullable` as a type.
/// <https://ai.google.dev/api/caching#Schema>
pub(super) fn json_schema(schema: &Json) -> Json {
    let Json::Object(members) = schema else {
        return schema.clone();
    };
    let is_nullable = schema.get("nullable") == Some(&Json::Bool(true));
    let members = members.iter().filter_map(|(name, it)| {
        let it = match name.as_str() {
            "type" => kind(it, is_nullable)?,
            // Said by the type; and said by the order of the members.
            "nullable" | "propertyOrdering" | "property_ordering" => return None,
            // Google's own word for what `enum` says.
            "format" if it.as_text() == Some("enum") => return None,
            "properties" | "$defs" | "defs" => each(it),
            "items" | "additionalProperties" => json_schema(it),
            "anyOf" | "any_of" | "oneOf" | "allOf" | "prefixItems" => all(it),
            // Counts are texts in Google's JSON.
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
            | "maxProperties" => number(it),
            _ => it.clone(),
        };
        let name = if name == "any_of" { "anyOf" } else { name };
        Some((name.to_owned(), it))
    });
    Json::Object(members.collect())
}

fn kind(kind: &Json, is_nullable: bool) -> Option<Json> {
    let Some(word) = kind.as_text() else {
        return Some(kind.clone());
    };
    if word == "TYPE_UNSPECIFIED" {
        return None;
    }
    let word = Json::from(word.to_ascii_lowercase());
    Some(if is_nullable {
        Json::List(vec![word, "null".into()])
    } else {
        word
    })
}

fn each(schemas: &Json) -> Json {
    match schemas {
        Json::Object(members) => {
            let members = members.iter();
            Json::Object(
                members
                    .map(|(name, it)| (name.clone(), json_schema(it)))
                    .collect(),
            )
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
            schemas.clone()
        }
    }
}

fn all(schemas: &Json) -> Json {
    match schemas {
        Json::List(items) => Json::List(items.iter().map(json_schema).collect()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Object(_) => {
            schemas.clone()
        }
    }
}

fn number(count: &Json) -> Json {
    let read = count.as_text().and_then(|text| text.parse::<u64>().ok());
    read.map_or_else(|| count.clone(), Json::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_of_googles_becomes_one_of_everybodys() {
        let google = r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","format":"enum","enum":["A"]},
            "list":{"type":"ARRAY","minItems":"1","items":{"type":"INTEGER","nullable":true}},
            "one":{"any_of":[{"type":"NUMBER"},{"type":"BOOLEAN"}]}},
            "propertyOrdering":["type"],"required":["type"]}"#;

        let schema = json_schema(&Json::read(google).unwrap());

        assert_eq!(
            schema.to_string(),
            r#"{"type":"object","properties":{"type":{"type":"string","enum":["A"]},"list":{"type":"array","minItems":1,"items":{"type":["integer","null"]}},"one":{"anyOf":[{"type":"number"},{"type":"boolean"}]}},"required":["type"]}"#
        );
    }

    #[test]
    fn a_json_schema_stays_as_it_is() {
        let own = r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#;

        assert_eq!(json_schema(&Json::read(own).unwrap()).to_string(), own);
    }
}
