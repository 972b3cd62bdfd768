//! Pages of the Studio's lists: numbered from 1.

use crate::http::query::{FromQuery, Values};
use serde::Serialize;
use servoir_registry::{Page, Window};
use std::ops::RangeInclusive;
use utoipa::{IntoParams, ToSchema};

/// Items in one page when the caller does not say.
const SIZE_DEFAULT: i64 = 20;
/// How many items one page may have.
const SIZES: RangeInclusive<i64> = 1..=100;
/// The last page that can be asked for; what lies before it is counted without overflow.
const PAGE_MAX: i64 = 1_000_000_000;

/// Which page of a list.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// From 1.
    #[param(required = false, minimum = 1, maximum = 1_000_000_000, default = 1)]
    pub page: i64,
    /// At most so many items.
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    pub page_size: i64,
}

impl PageParams {
    /// Takes `page` and `page_size`, which has another default and bounds than usual.
    pub fn sized(values: &mut Values, default: i64, sizes: &RangeInclusive<i64>) -> Self {
        Self {
            page: values.integer("page", 1, &(1..=PAGE_MAX)),
            page_size: values.integer("page_size", default, sizes),
        }
    }

    /// The part of the list that the page is.
    pub fn window(self) -> Window {
        Window { limit: self.page_size, offset: (self.page - 1) * self.page_size }
    }

    /// The answer with this page's items.
    pub fn of<T, U>(self, found: Page<T>, show: impl FnMut(T) -> U) -> Results<U> {
        let results = found.items.into_iter().map(show).collect();
        Results { total: found.total, page: self.page, page_size: self.page_size, results }
    }
}

impl FromQuery for PageParams {
    fn from_query(values: &mut Values) -> Self {
        Self::sized(values, SIZE_DEFAULT, &SIZES)
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Results<T> {
    /// How many there are in all.
    #[schema(minimum = 0)]
    pub total: i64,
    /// From 1.
    #[schema(minimum = 1)]
    pub page: i64,
    /// At most so many in a page.
    #[schema(minimum = 1)]
    pub page_size: i64,
    /// This page's.
    pub results: Vec<T>,
}
