//! Names of a cloud's accounts and roles in the settings. In: text. Out: what has the right shape. Fails with what was expected.

use std::str::FromStr;

/// An account: 12 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountId(String);

/// A role, as `arn:PARTITION:iam:…:role/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAccount {
    #[error("expected an account's number: 12 digits")]
    Digits,
    #[error("expected a role's ARN: arn:aws:iam::123456789012:role/NAME")]
    Role,
}

impl AccountId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = NotAnAccount;
    fn from_str(text: &str) -> Result<Self, NotAnAccount> {
        let fits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        let id = || Self(text.to_owned());
        fits.then(id).ok_or(NotAnAccount::Digits)
    }
}

impl RoleArn {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `aws`, or what a government's or China's part of the cloud is called.
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or("aws")
    }
}

impl FromStr for RoleArn {
    type Err = NotAnAccount;
    fn from_str(text: &str) -> Result<Self, NotAnAccount> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let fits = match parts[..] {
            ["arn", partition, "iam", _, _, role] => {
                let is_plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
                let name = role.strip_prefix("role/").unwrap_or_default();
                !partition.is_empty()
                    && partition.len() <= 20
                    && partition.bytes().all(is_plain)
                    && !name.is_empty()
                    && text.bytes().all(|b| b.is_ascii_graphic())
            }
            _ => false,
        };
        let arn = || Self(text.to_owned());
        fits.then(arn).ok_or(NotAnAccount::Role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twelve_digits_are_an_account_and_only_a_roles_arn_is_a_role() {
        assert_eq!(
            "012345678901".parse::<AccountId>().unwrap().as_str().len(),
            12
        );
        for bad in [
            "12345678901",
            "1234567890123",
            "12345678901a",
            "１23456789012",
            " 12345678901",
        ] {
            assert_eq!(bad.parse::<AccountId>(), Err(NotAnAccount::Digits), "{bad}");
        }
        for (arn, partition) in [
            ("arn:aws:iam::123456789012:role/jobs", "aws"),
            ("arn:aws-us-gov:iam::123456789012:role/a/b", "aws-us-gov"),
            ("arn:aws:iam:::role/jobs", "aws"),
        ] {
            assert_eq!(arn.parse::<RoleArn>().unwrap().partition(), partition);
        }
        for bad in [
            "jobs",
            "arn:aws:iam::1:user/jobs",
            "arn:aws:iam::1:role/",
            "arn:aws:s3:::bucket",
            "arn:a\"ws:iam::1:role/jobs",
            "arn:aws:iam::1:role/a b",
        ] {
            assert_eq!(bad.parse::<RoleArn>(), Err(NotAnAccount::Role), "{bad}");
        }
    }
}
