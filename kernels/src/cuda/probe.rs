//! Which devices there are.

use super::NoDevice;
use super::error::said;
use cudarc::driver::{DriverError, result, sys};

/// The oldest driver that runs what NVRTC of CUDA 13 makes, as drivers say it.
const DRIVER_MIN: i32 = 13_000;

/// A device, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number for the driver, from 0.
    pub ordinal: usize,
    /// Its name, such as `NVIDIA H200`.
    pub name: String,
    /// What it is told from all others by, in the form `GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`.
    pub uuid: String,
    /// Its memory.
    pub memory_bytes: u64,
    /// What it can do, major and minor: 9.0 of an H200.
    pub compute_capability: (u32, u32),
    /// The version of CUDA that its driver is for, such as `13.0`.
    pub driver: String,
}

/// Every device that the driver sees, in its order.
///
/// # Errors
/// Why there is none.
pub fn devices() -> Result<Vec<DeviceInfo>, NoDevice> {
    let driver = driver()?;
    let count = result::device::get_count().map_err(not_started)?;
    if count <= 0 {
        return Err(NoDevice::None);
    }
    (0..count).map(|ordinal| info(ordinal, &driver).map_err(not_started)).collect()
}

/// Starts the driver and says what it is for.
pub fn driver() -> Result<String, NoDevice> {
    // SAFETY: it opens the driver's library by its names, as every program that uses CUDA does.
    if !unsafe { sys::is_culib_present() } {
        return Err(NoDevice::NoDriver { tried: vec!["libcuda.so".to_owned(), "libcuda.so.1".to_owned()] });
    }
    let mut version = 0;
    // SAFETY: the library is there, and the version is written to a number of its own.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result().map_err(not_started)?;
    if version < DRIVER_MIN {
        return Err(NoDevice::OldDriver { found: version_text(version), wanted: version_text(DRIVER_MIN) });
    }
    match result::init() {
        Ok(()) => Ok(version_text(version)),
        Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE)) => Err(NoDevice::None),
        Err(error) => Err(not_started(error)),
    }
}

fn not_started(error: DriverError) -> NoDevice {
    let (name, text) = said(error);
    NoDevice::Driver { name, text }
}

fn info(ordinal: i32, driver: &str) -> Result<DeviceInfo, DriverError> {
    use sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR as MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR as MINOR,
    };
    let device = result::device::get(ordinal)?;
    // SAFETY: the device is one that the driver just gave.
    let (memory, major, minor) = unsafe {
        (
            result::device::total_mem(device)?,
            result::device::get_attribute(device, MAJOR)?,
            result::device::get_attribute(device, MINOR)?,
        )
    };
    Ok(DeviceInfo {
        ordinal: usize::try_from(ordinal).unwrap_or_default(),
        name: result::device::get_name(device)?,
        uuid: uuid_text(&result::device::get_uuid(device)?),
        memory_bytes: memory as u64,
        compute_capability: (major.unsigned_abs(), minor.unsigned_abs()),
        driver: driver.to_owned(),
    })
}

fn uuid_text(uuid: &sys::CUuuid) -> String {
    let digits: String = uuid.bytes.iter().map(|byte| format!("{:02x}", byte.to_ne_bytes()[0])).collect();
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    format!("GPU-{}", groups.join("-"))
}

/// `13.0` of 13000.
fn version_text(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_identities_are_written_as_others_write_them() {
        assert_eq!(version_text(13_020), "13.2");
        let bytes = std::array::from_fn(|index| std::ffi::c_char::from_ne_bytes([0x80 + u8::try_from(index).unwrap()]));
        assert_eq!(uuid_text(&sys::CUuuid { bytes }), "GPU-80818283-8485-8687-8889-8a8b8c8d8e8f");
    }

    #[test]
    fn why_there_is_no_device_ends_a_sentence() {
        let tried = vec!["libcuda.so".to_owned(), "libcuda.so.1".to_owned()];
        let error = NoDevice::NoDriver { tried };
        assert_eq!(
            error.to_string(),
            "the driver's library is not there: none of libcuda.so, libcuda.so.1 could be opened"
        );
    }
}
