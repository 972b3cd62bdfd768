//! Numbers that may be missing, as parameters.

use sqlx::any::AnyTypeInfo;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Any, Database, Encode, Type};

/// A number as a parameter that may be missing: `bind(number.map(Double))`.
///
/// sqlx's any driver announces a missing number of double precision as one of single precision, and the other way about
/// (`convert_into` in sqlx-core 0.9.0). PostgreSQL keeps to what a statement was first prepared with, and refuses the next number
/// that is there. So a missing one is announced as what becomes the right type.
pub(crate) struct Double(pub f64);

impl Type<Any> for Double {
    fn type_info() -> AnyTypeInfo {
        <f32 as Type<Any>>::type_info()
    }
}

impl Encode<'_, Any> for Double {
    fn encode_by_ref(&self, buffer: &mut <Any as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Any>::encode_by_ref(&self.0, buffer)
    }
}
