//! Pages of lists: how many, after how many.

use crate::http::query::{FromQuery, Values};
use servoir_registry::Window;
use utoipa::IntoParams;

/// The most items in one page.
pub const LIMIT_MAX: i64 = 200;
/// Items in one page when the caller does not say.
pub const LIMIT_DEFAULT: i64 = 20;

/// The parameters of a list that can only be paged.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// At most so many items.
    #[param(required = false, minimum = 1, maximum = 200, default = 20)]
    pub limit: i64,
    /// After so many items.
    #[param(required = false, minimum = 0, default = 0)]
    pub offset: i64,
}

impl FromQuery for PageParams {
    fn from_query(values: &mut Values) -> Self {
        let Window { limit, offset } = window(values);
        Self { limit, offset }
    }
}

impl From<PageParams> for Window {
    fn from(page: PageParams) -> Self {
        Self { limit: page.limit, offset: page.offset }
    }
}

/// Takes `limit` and `offset`.
pub fn window(values: &mut Values) -> Window {
    Window {
        limit: values.integer("limit", LIMIT_DEFAULT, &(1..=LIMIT_MAX)),
        offset: values.integer("offset", 0, &(0..=i64::MAX)),
    }
}
