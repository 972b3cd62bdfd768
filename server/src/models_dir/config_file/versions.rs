//! `version_policy`: which of the versions in a model's folder are live.

use super::{ConfigError, ConfigFile};
use servoir_codec::grpc::proto::model_version_policy::PolicyChoice;

/// Which versions are live, all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionPolicy {
    /// This many of the highest.
    Latest(usize),
    /// Every one.
    All,
    /// Exactly these.
    Specific(Vec<u64>),
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self::Latest(1)
    }
}

impl VersionPolicy {
    /// The versions that are to be live of those that are there, ascending; one of [`Self::Specific`] whether it is there
    /// or not.
    pub fn choose(&self, present: impl DoubleEndedIterator<Item = u64>) -> Vec<u64> {
        let mut chosen: Vec<u64> = match self {
            Self::Latest(count) => present.rev().take(*count).collect(),
            Self::All => present.collect(),
            Self::Specific(versions) => versions.clone(),
        };
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }
}

impl ConfigFile {
    /// Which versions are live.
    ///
    /// # Errors
    /// When a version is named that cannot exist, or `specific` names none.
    pub fn version_policy(&self) -> Result<VersionPolicy, ConfigError> {
        let policy = self.config.version_policy.as_ref().and_then(|policy| policy.policy_choice.as_ref());
        match policy {
            None => Ok(VersionPolicy::default()),
            Some(PolicyChoice::Latest(latest)) => Ok(VersionPolicy::Latest(latest.num_versions.max(1) as usize)),
            Some(PolicyChoice::All(_)) => Ok(VersionPolicy::All),
            Some(PolicyChoice::Specific(specific)) if specific.versions.is_empty() => {
                Err(self.wrong("version_policy.specific.versions", "expected at least one version, got none"))
            }
            Some(PolicyChoice::Specific(specific)) => {
                let versions = specific.versions.iter().enumerate().map(|(index, &version)| {
                    u64::try_from(version).ok().filter(|&version| version > 0).ok_or_else(|| {
                        let field = format!("version_policy.specific.versions[{index}]");
                        self.wrong(&field, format!("expected a whole number from 1, got {version}"))
                    })
                });
                versions.collect::<Result<_, _>>().map(VersionPolicy::Specific)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::VersionPolicy::{All, Latest, Specific};

    #[test]
    fn policies_choose_of_what_is_there() {
        let cases = [
            (Latest(1), vec![9]),
            (Latest(2), vec![2, 9]),
            (Latest(9), vec![1, 2, 9]),
            (All, vec![1, 2, 9]),
            (Specific(vec![9, 1, 9]), vec![1, 9]),
            (Specific(vec![7]), vec![7]),
        ];
        for (policy, chosen) in cases {
            assert_eq!(policy.choose([1, 2, 9].into_iter()), chosen, "{policy:?}");
        }
    }
}
