//! Which languages a tenant's calls may be in. In: the setting `languages.tenants`, and a job's options. Out: the options
//! with the tenant's languages where the job names none. Fails: a setting that cannot be read, with what was expected.
//! The options that come out are what the spec is made of: another setting is another result.

use std::borrow::Cow;
use std::collections::BTreeMap;

use job_schema::TenantId;
use job_schema::job::{MAX_LANGUAGES, Options, is_language_code};

use crate::config::by_tenant;

const EXPECTED: &str = "expected TENANT=CODE+CODE, separated by commas";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantLanguages {
    tenants: BTreeMap<TenantId, Vec<String>>,
}

impl TenantLanguages {
    /// `TENANT=CODE+CODE`, separated by commas.
    pub fn read(setting: &str) -> Result<Self, String> {
        let tenants = by_tenant(setting, EXPECTED, codes)?;
        Ok(Self { tenants })
    }

    /// What the job says goes first.
    pub fn complete<'a>(&self, tenant: &TenantId, options: &'a Options) -> Cow<'a, Options> {
        let is_open = options.language.is_none() && options.languages.is_empty();
        match self.tenants.get(tenant) {
            Some(languages) if is_open => Cow::Owned(Options {
                languages: languages.clone(),
                ..options.clone()
            }),
            _ => Cow::Borrowed(options),
        }
    }
}

fn codes(text: &str) -> Result<Vec<String>, String> {
    let codes: Vec<String> = text.split('+').map(|c| c.trim().to_owned()).collect();
    if let Some(code) = codes.iter().find(|code| !is_language_code(code)) {
        return Err(format!(
            "`{code}` is not a language code such as `en` or `de`"
        ));
    }
    if codes.len() > MAX_LANGUAGES {
        return Err(format!("at most {MAX_LANGUAGES} languages a tenant"));
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(languages: &[&str], language: Option<&str>) -> Options {
        Options {
            language: language.map(str::to_owned),
            languages: languages.iter().map(|l| (*l).to_owned()).collect(),
            ..Options::default()
        }
    }

    #[test]
    fn a_tenants_languages_fill_in_where_the_job_names_none() {
        let setting = TenantLanguages::read("acme=de+es, globex = fr").unwrap();
        for (tenant, given, expected) in [
            ("acme", named(&[], None), named(&["de", "es"], None)),
            ("globex", named(&[], None), named(&["fr"], None)),
            ("initech", named(&[], None), named(&[], None)),
            (
                "acme",
                named(&["en", "de"], None),
                named(&["en", "de"], None),
            ),
            ("acme", named(&[], Some("en")), named(&[], Some("en"))),
        ] {
            let tenant = tenant.parse().unwrap();
            assert_eq!(*setting.complete(&tenant, &given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_meant_is_refused() {
        for setting in [
            "acme",
            "acme=",
            "acme=German",
            "acme=de+",
            "/=de",
            "acme=de,acme=es",
            &format!("acme={}", ["en"; 17].join("+")),
        ] {
            assert!(TenantLanguages::read(setting).is_err(), "{setting}");
        }
        let nothing = TenantLanguages::read("").unwrap();
        assert_eq!(nothing, TenantLanguages::default());
    }
}
