//! What a session for one tenant's job may do. In: the tenant and the buckets that the job works on. Out: a policy in JSON, which
//! takes away from a role whatever it does not name. STS takes 2,048 characters at most, and the longest names fit.
//! Source: the IAM user guide, "Session policies", and the S3 table of actions and condition keys.

use serde_json::{Value, json};

use super::super::Scope;
use crate::layout;

/// A day as it stands in a key: ten characters, none of them a slash.
const ANY_DAY: &str = "????-??-??";

/// `arns` is the part of the cloud that its ARNs begin with, and `uses_keys` whether its key service asks for rights too.
/// Names hold neither `*` nor `?`, and the results' bucket is named in full, so nothing of another tenant's fits a pattern:
/// with a pattern for the bucket, what another tenant called `acme/…` below its own prefix would.
pub(super) fn session_policy(arns: &str, scope: Scope<'_>, uses_keys: bool) -> String {
    let Scope {
        tenant,
        recordings,
        results,
    } = scope;
    let mut statements = vec![
        allow(
            &[
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
            ],
            &format!("arn:{arns}:s3:::{results}/{tenant}/*"),
        ),
        allow(
            &["s3:PutObject"],
            &format!(
                "arn:{arns}:s3:::{results}/{}{ANY_DAY}/{tenant}/*",
                layout::RETENTION_PREFIX
            ),
        ),
        // Whether a mark is there is asked by listing it. Which buckets, the role's own policy says: what lies below the
        // tenant's name in any of them is the tenant's.
        under(
            allow(&["s3:ListBucket", "s3:ListBucketVersions"], "*"),
            json!({"StringLike": {"s3:prefix": [
                format!("{tenant}/*"),
                format!("{}*", layout::tombstones(tenant)),
                layout::tenant_tombstone(tenant),
                format!("{}*", layout::cancellations(tenant)),
            ]}}),
        ),
        // It says nothing of an object.
        allow(&["s3:GetBucketVersioning"], "*"),
    ];
    if recordings != results {
        statements.push(allow(
            &["s3:GetObject", "s3:GetObjectVersion"],
            &format!("arn:{arns}:s3:::{recordings}/{tenant}/*"),
        ));
    }
    if uses_keys {
        // Through S3 only, which asks for the object's key where the object itself may be read or written.
        statements.push(under(
            allow(&["kms:Decrypt", "kms:GenerateDataKey"], "*"),
            json!({"StringLike": {"kms:ViaService": "s3.*"}}),
        ));
    }
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn allow(actions: &[&str], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

fn under(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}

#[cfg(test)]
mod tests {
    use job_schema::TenantId;
    use job_schema::job::BucketName;

    use super::*;

    fn policy(arns: &str, tenant: &str, buckets: [&str; 2], uses_keys: bool) -> String {
        let tenant: TenantId = tenant.parse().unwrap();
        let [recordings, results] = buckets.map(|name| name.parse::<BucketName>().unwrap());
        let scope = Scope {
            tenant: &tenant,
            recordings: &recordings,
            results: &results,
        };
        session_policy(arns, scope, uses_keys)
    }

    #[test]
    fn a_session_may_do_what_a_job_needs_with_its_tenants_keys_and_nothing_else() {
        let text = policy("aws", "acme", ["calls", "results"], true);
        let policy: Value = serde_json::from_str(&text).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&policy).unwrap());
    }

    #[test]
    fn the_longest_names_fit_into_what_sts_takes() {
        let (recordings, results) = ("a".repeat(63), "b".repeat(63));
        for arns in ["aws", "aws-cn", "aws-us-gov"] {
            let text = policy(arns, &"t".repeat(128), [&recordings, &results], true);
            assert!(text.len() <= 2_048, "{arns}: {}", text.len());
        }
    }

    #[test]
    fn keys_and_a_second_bucket_are_asked_for_where_there_are_some() {
        let text = policy("aws-cn", "acme", ["all", "all"], false);
        assert_eq!(text.matches("arn:aws-cn:s3:::all/acme/*").count(), 1);
        assert!(!text.contains("kms:"), "{text}");
    }
}
