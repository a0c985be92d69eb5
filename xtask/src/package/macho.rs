//! The load commands of a Mach-O file (`mach-o/loader.h`): nothing here runs it, and Debian's tools do not read it.

pub struct Header {
    pub is_arm: bool,
    /// The install name of a library: where programs that are linked with it look for it.
    pub name: Option<String>,
    pub needs: Vec<String>,
    /// The oldest macOS that loads it.
    pub oldest: Option<(u32, u32)>,
    pub is_signed: bool,
}

const MAGIC_64: u32 = 0xfeed_facf;
const ARM_64: u32 = 0x0100_000c;
const HEADER: usize = 32;

const LOAD_DYLIB: u32 = 0xc;
const ID_DYLIB: u32 = 0xd;
const CODE_SIGNATURE: u32 = 0x1d;
const VERSION_MIN_MACOSX: u32 = 0x24;
const BUILD_VERSION: u32 = 0x32;

/// `None` if it is not such a file, or ends too soon.
pub fn read(file: &[u8]) -> Option<Header> {
    if number(file, 0)? != MAGIC_64 {
        return None;
    }
    let mut header = Header {
        is_arm: number(file, 4)? == ARM_64,
        name: None,
        needs: Vec::new(),
        oldest: None,
        is_signed: false,
    };
    let mut at = HEADER;
    for _ in 0..number(file, 16)? {
        let command = file.get(at..)?;
        match number(command, 0)? {
            ID_DYLIB => header.name = Some(text(command)?),
            LOAD_DYLIB => header.needs.push(text(command)?),
            CODE_SIGNATURE => header.is_signed = true,
            VERSION_MIN_MACOSX => header.oldest = Some(version(number(command, 8)?)),
            BUILD_VERSION => header.oldest = Some(version(number(command, 12)?)),
            _ => {}
        }
        at += number(command, 4)? as usize;
    }
    Some(header)
}

/// The name of a library, which stands at an offset from the command's start and ends with a zero.
fn text(command: &[u8]) -> Option<String> {
    let start = number(command, 8)? as usize;
    let bytes = command.get(start..number(command, 4)? as usize)?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

fn version(packed: u32) -> (u32, u32) {
    (packed >> 16, packed >> 8 & 0xff)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[u32]) -> Vec<u8> {
        all.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn the_load_commands_are_read() {
        let mut file = words(&[MAGIC_64, ARM_64, 0, 6, 3, 0, 0, 0]);
        file.extend(words(&[ID_DYLIB, 32, 24, 0, 0, 0]));
        file.extend(b"@rpath/\0");
        file.extend(words(&[BUILD_VERSION, 24, 1, 11 << 16, 0, 0]));
        file.extend(words(&[CODE_SIGNATURE, 16, 0, 0]));
        let header = read(&file).expect("a header");
        assert_eq!(header.name.as_deref(), Some("@rpath/"));
        assert_eq!(header.oldest, Some((11, 0)));
        assert!(header.is_arm && header.is_signed && header.needs.is_empty());
        assert!(read(&file[..80]).is_none(), "it ends in the middle");
        assert!(read(b"\x7fELF").is_none());
    }
}
