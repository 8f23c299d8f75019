//! Checks a value against one of our schemas, formats included.

use jsonschema::Validator;
use serde_json::Value;

pub(crate) fn of(document: &str) -> Validator {
    let schema = job_schema::schema::named(document)
        .unwrap_or_else(|| panic!("no document is called `{document}`"))
        .schema;
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|e| panic!("the schema of `{document}` is not one: {e}"))
}

/// What the schema holds against the value; empty if it fits.
pub(crate) fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}
