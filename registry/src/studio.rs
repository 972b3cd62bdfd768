//! What the Studio keeps of a model beside what the registry keeps: how it is trained, who may do what with it, and where
//! it stands. A model has one row of each.

mod change;
mod collaborators;
mod create;
mod dashboard;
mod list;
mod model;
mod promotion;
mod role;
mod status;

pub(crate) use change::refuse_while_training;
pub use change::{StudioChange, StudioPart};
pub use collaborators::Collaborator;
pub use create::NewStudioModel;
pub(crate) use create::{NewStudio, insert};
pub use dashboard::{Dashboard, DashboardFilter};
pub use list::StudioFilter;
pub use model::{ModelType, StudioModel, TaskType};
pub(crate) use promotion::set_promoted;
pub use role::Role;
pub use status::StudioStatus;

/// A closed set of words that a column holds.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident of $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// All of them, with the words that stand for them.
            pub const ALL: &[(&str, Self)] = &[$(($text, Self::$variant)),+];

            /// The word that stands for it, in the database and in the API.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            #[allow(dead_code)] // not every set is kept as words
            pub(crate) fn from_text(text: &str) -> crate::error::Result<Self> {
                let known = Self::ALL.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
                known.ok_or_else(|| {
                    crate::error::RegistryError::Inconsistent(format!("'{text}' is no {}", $what))
                })
            }
        }
    };
}
pub(crate) use words;
