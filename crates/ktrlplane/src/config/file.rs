//! Reading `config.yaml` along the table of keys.
//!
//! A scalar is taken as the text that stands in the file: a password `0123` is not the number 123.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_saphyr::{Spanned, UserMessageFormatter};

use super::key::{self, Key};

/// What stands in a file.
#[derive(Debug, Default)]
pub(crate) struct File {
    /// The values of known keys, with their lines.
    pub(crate) values: Vec<(&'static Key, String, u64)>,
    /// Keys that do not exist.
    pub(crate) unknown: Vec<String>,
}

/// Reads the text of a file. The error never quotes the file: a secret may stand in it.
pub(crate) fn read(text: &str) -> Result<File, String> {
    let mut file = File::default();
    let level = Level {
        path: String::new(),
        file: &mut file,
    };
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        level.deserialize(yaml)
    })
    .map_err(|error| error.render_with_formatter(&UserMessageFormatter))?;
    Ok(file)
}

/// One level of the file, for instance what stands below `observability:`.
struct Level<'a> {
    path: String,
    file: &'a mut File,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str("sections such as observability: and auth:"),
            path => write!(f, "keys below {path}:"),
        }
    }

    // Scalars and lists are refused here by hand: the error that serde makes would quote them.

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom(format!(
            "there must be {}",
            &self as &dyn serde::de::Expected
        )))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.visit_str("")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.visit_str("")
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.visit_str("")
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.visit_str("")
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.visit_str("")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let dotted = name.contains('.');
            let path = match self.path.as_str() {
                "" => name,
                above => format!("{above}.{name}"),
            };
            if dotted {
                // `auth.issuer: x` is one key with a dot in its name: a second way to write a
                // value could overrule the first without anybody noticing.
                map.next_value::<IgnoredAny>()?;
                self.file.unknown.push(path);
            } else if let Some(key) = key::at(&path) {
                let (text, line) = if key.list {
                    (map.next_value_seed(List { key })?, 0)
                } else {
                    let value = map
                        .next_value::<Spanned<Option<String>>>()
                        .map_err(|_| A::Error::custom(format!("{path} must be one value")))?;
                    (value.value, value.referenced.line())
                };
                if let Some(text) = text {
                    self.file.values.push((key, text, line));
                }
            } else if key::is_section(&path) {
                map.next_value_seed(Level {
                    path,
                    file: &mut *self.file,
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
                self.file.unknown.push(path);
            }
        }
        Ok(())
    }
}

/// A list of texts, or one text with commas; as one text with commas.
struct List {
    key: &'static Key,
}

impl<'de> DeserializeSeed<'de> for List {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { path, expected, .. } = self.key;
        write!(f, "a list, or a text with commas, for {path}: {expected}")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element::<String>()? {
            items.push(item);
        }
        Ok(Some(items.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(&'static str, String, u64)> {
        let file = read(text).unwrap();
        assert!(file.unknown.is_empty(), "{:?}", file.unknown);
        let value = |(key, text, line): (&'static Key, String, u64)| (key.path, text, line);
        file.values.into_iter().map(value).collect()
    }

    #[test]
    fn scalars_keep_the_text_that_stands_in_the_file() {
        let text =
            "server:\n  port: 8080\ndatabase:\n  password: 0123\n  user: \"1e3\"\n  dbname: 1e3\n";
        assert_eq!(
            values(text),
            [
                ("server.port", "8080".to_owned(), 2),
                ("database.password", "0123".to_owned(), 4),
                ("database.user", "1e3".to_owned(), 5),
                ("database.dbname", "1e3".to_owned(), 6),
            ]
        );
        assert_eq!(
            values("observability: {loki: {enabled: true}}")[0].1,
            "true"
        );
    }

    #[test]
    fn nothing_is_nothing() {
        for text in [
            "",
            "# only a comment\n",
            "auth:\n",
            "auth: {issuer: }",
            "auth: {issuer: ~}",
        ] {
            assert_eq!(values(text), [], "{text:?}");
        }
    }

    #[test]
    fn a_list_may_be_written_in_three_ways() {
        for list in [
            "[RS256, ES256]",
            "RS256,ES256",
            "\n    - RS256\n    - ES256",
        ] {
            let text = format!("auth:\n  algorithms: {list}\n");
            assert_eq!(values(&text)[0].1, "RS256,ES256");
        }
    }

    #[test]
    fn unknown_keys_are_collected_and_twice_the_same_key_is_an_error() {
        let file = read("stripe: {secret_key: sk}\nauth: {isuer: x}\n").unwrap();
        assert_eq!(file.unknown, ["stripe", "auth.isuer"]);
        assert!(read("auth: {issuer: a, issuer: b}").is_err());
    }

    #[test]
    fn a_key_with_dots_in_its_name_is_no_second_way_to_write_a_value() {
        let file = read("auth: {issuer: a}\nauth.issuer: b\n").unwrap();
        assert_eq!(file.unknown, ["auth.issuer"]);
        assert_eq!(file.values.len(), 1);
    }

    #[test]
    fn an_error_is_worded_for_people_who_write_yaml_and_not_for_programmers() {
        for text in [
            "auth: {issuer: a, issuer: b}",
            "\t: x",
            ": x",
            "a: [",
            "- x",
        ] {
            let error = read(text).unwrap_err();
            assert!(
                !error.contains("Option") && !error.contains("deserialize"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_error_does_not_quote_the_file() {
        for text in [
            "database:\n  password: hunter2\n   user: x\n: [",
            "database:\n  password: [hunter2]\n",
            "database:\n  password: {hunter2: hunter2}\n",
            "database: hunter2\n",
            "hunter2",
            "database: {password: \"hunter2}",
            "database: {password: *hunter2}",
            "database: {password: !!int hunter2}",
            "auth: {algorithms: {hunter2: x}}",
            "database: 1234567",
            "database: [hunter2]",
        ] {
            let error = read(text).unwrap_err();
            assert!(
                !error.contains("hunter2") && !error.contains("1234567"),
                "{error}"
            );
        }
    }
}
