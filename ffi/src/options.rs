//! Structs of options: the only structs that may grow. Each begins with its own
//! size, so that programs and libraries of different versions work together.

use untorn::Result;

use crate::argument::Arguments;

/// A struct of options.
///
/// # Safety
/// `repr(C)`, begins with `size: usize`, and every bit pattern is a value: only
/// integers and raw pointers.
pub(crate) unsafe trait Options: Copy {
    /// Its name, and its size when it was first released.
    const NAME: &'static str;
    const FIRST_SIZE: usize;

    /// The values that stand for NULL.
    fn defaults() -> Self;
}

/// A larger size means that the struct was not initialised.
const LARGEST: usize = 4096;

/// Writes the defaults into a struct of so many bytes. If it is shorter than this
/// library's, it gets the fields that it has; if it is longer, zeros for the rest.
///
/// # Safety
/// NULL, or valid for a write of `size` bytes.
pub(crate) unsafe fn init<T: Options>(options: *mut T, size: usize) {
    if options.is_null() || size < size_of::<usize>() {
        return;
    }
    let defaults = T::defaults();
    let known = size.min(size_of::<T>());
    // SAFETY: both have so many bytes, and the struct begins with its size.
    unsafe {
        options.cast::<u8>().write_bytes(0, size);
        std::ptr::copy_nonoverlapping(
            (&raw const defaults).cast::<u8>(),
            options.cast::<u8>(),
            known,
        );
        options.cast::<usize>().write(size);
    }
}

/// Reads the options that the caller chose. A struct of an older header is
/// shorter: the missing fields have their defaults. A struct of a newer header is
/// longer: it is accepted if the fields that this library does not know are zero,
/// which is the default of new fields.
///
/// # Safety
/// NULL, or valid for as many bytes as its first field says.
pub(crate) unsafe fn read<T: Options>(options: *const T, arguments: &Arguments<'_>) -> Result<T> {
    let mut read = T::defaults();
    if options.is_null() {
        return Ok(read);
    }
    // SAFETY: the struct begins with its size.
    let size = unsafe { options.cast::<usize>().read() };
    if !(T::FIRST_SIZE..=LARGEST).contains(&size) {
        return Err(arguments.refuse(format!(
            "the size in {0} is {size}: initialise the struct with {1}_INIT",
            T::NAME,
            T::NAME.to_uppercase()
        )));
    }
    // SAFETY: both have so many bytes, and any bytes are a `T`.
    unsafe {
        std::ptr::copy_nonoverlapping(
            options.cast::<u8>(),
            (&raw mut read).cast::<u8>(),
            size.min(size_of::<T>()),
        );
    }
    for at in size_of::<T>()..size {
        // SAFETY: within the size that the caller gave.
        if unsafe { options.cast::<u8>().add(at).read() } != 0 {
            return Err(arguments.refuse(format!(
                "{} has an option that this version of the library ({}) does not know",
                T::NAME,
                untorn::version()
            )));
        }
    }
    Ok(read)
}

/// A flag.
pub(crate) fn flag(value: i32) -> bool {
    value != 0
}

/// Permission bits. 0: the umask decides.
pub(crate) fn mode(bits: u32) -> Option<u32> {
    (bits != 0).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::{Options, read};
    use crate::argument::Arguments;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Known {
        size: usize,
        first: u64,
        second: u64,
    }

    // SAFETY: `repr(C)`, integers, size first.
    unsafe impl Options for Known {
        const NAME: &'static str = "known";
        const FIRST_SIZE: usize = 16;

        fn defaults() -> Known {
            Known {
                size: size_of::<Known>(),
                first: 1,
                second: 2,
            }
        }
    }

    fn of(bytes: &[usize]) -> untorn::Result<(u64, u64)> {
        // SAFETY: the tests give no size beyond the array.
        unsafe { read(bytes.as_ptr().cast::<Known>(), &Arguments::of("open")) }
            .map(|known| (known.first, known.second))
    }

    #[test]
    fn structs_of_every_version_are_understood() {
        if size_of::<usize>() != 8 {
            return;
        }
        assert_eq!(of(&[24, 7, 8]).ok(), Some((7, 8)));
        // An older header.
        assert_eq!(of(&[16, 7]).ok(), Some((7, 2)));
        // A newer one, with an option that is not used, and with one that is.
        assert_eq!(of(&[32, 7, 8, 0]).ok(), Some((7, 8)));
        assert!(of(&[32, 7, 8, 9]).is_err());
        // Not initialised.
        for size in [0, 8, 15, 5000, usize::MAX] {
            assert!(of(&[size, 0, 0]).is_err(), "{size}");
        }
    }
}
