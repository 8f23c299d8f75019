//! A setting that holds a value for some tenants: `TENANT=VALUE`, separated by commas. In: its text. Out: the values by
//! tenant. Fails with what was expected.

use std::collections::BTreeMap;

use job_schema::TenantId;

/// `expected` is said of an entry without `=`.
///
/// # Errors
/// A sentence for the person who wrote the setting.
pub fn by_tenant<V>(
    setting: &str,
    expected: &str,
    value: impl Fn(&str) -> Result<V, String>,
) -> Result<BTreeMap<TenantId, V>, String> {
    let mut tenants = BTreeMap::new();
    for entry in setting.split(',').map(str::trim).filter(|e| !e.is_empty()) {
        let (tenant, text) = entry.split_once('=').ok_or_else(|| expected.to_owned())?;
        let tenant = tenant.trim().parse().map_err(|e| format!("tenant {e}"))?;
        if tenants.insert(tenant, value(text)?).is_some() {
            return Err("a tenant stands there twice".to_owned());
        }
    }
    Ok(tenants)
}
