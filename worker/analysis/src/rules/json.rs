//! A rule file as JSON. In: the file's text. Out: the same as TOML, byte for byte in its place, so that lines and columns stay
//! true: TOML writes `=` for `:`, and top-level keys in lines of their own. Text that is no JSON object is left as it is; what
//! is no JSON is refused by the TOML parser that comes after.

use std::borrow::Cow;

pub(super) fn as_toml(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with('{') {
        return Cow::Borrowed(text);
    }
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let convert = |c: char| {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return c;
        }
        match c {
            '"' => in_string = true,
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match c {
            '{' if depth == 1 => ' ',
            '}' if depth == 0 => ' ',
            ',' if depth == 1 => '\n',
            // Between a key and its value TOML allows no line break.
            '\n' | '\r' => ' ',
            ':' => '=',
            c => c,
        }
    };
    Cow::Owned(text.chars().map(convert).collect())
}

#[cfg(test)]
mod tests {
    use crate::rules::{Problem, RuleSet};

    const TOML: &str = "id = \"demo\"\nversion = 3\n[lists]\nx = [\"a: b, {c}\", \"d\"]\n\
        [[rule]]\nname = \"a\"\nquery = \"\"\"agent: \\\"b c\\\" \u{e9}\"\"\"\nwindow = { first_s = 9 }\nweight = -2.5\n\
        [[rule]]\nname = \"b\"\nphrases = [\"p\", \"q\"]\nnegate = true\n";
    const JSON: &str = r#"{
  "id": "demo", "version": 3,
  "lists": { "x": ["a: b, {c}", "d"] },
  "rule": [
    {
      "name": "a",
      "query": "agent: \"b c\" \u00e9",
      "window": { "first_s": 9 },
      "weight": -2.5
    },
    { "name": "b", "phrases": ["p", "q"], "negate": true }
  ]
}
"#;

    #[test]
    fn json_and_toml_give_the_same_rules() {
        let read = |text| RuleSet::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read(JSON).rules(), read(TOML).rules());
        assert_eq!(read(JSON).version(), read(TOML).version());
        assert_ne!(read(JSON).sha256(), read(TOML).sha256());
    }

    #[test]
    fn mistakes_are_named_where_they_stand_in_the_json() {
        let table = [
            (JSON.replace("agent:", "agnet:"), 7, 17),
            (
                JSON.replace("agent: \\\"b c\\\"", "\\\"b c\\\" agnet:"),
                7,
                25,
            ),
            (JSON.replace("\"weight\"", "\"wieght\""), 9, 7),
            (JSON.replace("[\"p\", \"q\"]", "[\"p\", \"P!\"]"), 11, 37),
        ];
        for (text, line, column) in table {
            let error = RuleSet::parse(&text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{error}");
        }
        let null = RuleSet::parse(&JSON.replace("-2.5", "null")).unwrap_err();
        assert!(matches!(null.problem, Problem::Toml(_)), "{null}");
    }
}
