//! What stands in an ELF file, read with bounds checked. Nothing here trusts an offset, a count or a name.

use std::collections::HashSet;

use object::LittleEndian;
use object::elf::{
    DF_1_PIE, DF_TEXTREL, DT_FLAGS, DT_FLAGS_1, DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_TEXTREL, ET_DYN,
    ET_EXEC, ET_REL, FileHeader64, FileType, PF_X, PT_GNU_STACK, PT_LOAD, SHN_UNDEF, STB_GLOBAL, STB_WEAK,
    VER_FLG_WEAK,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym, VerdefIterator, VerneedIterator};

/// Longest name of a library, symbol or version that is looked at.
const MAX_NAME: usize = 64 * 1024;
const MANIFEST: &[u8] = b"valor-manifest";
/// What stepping over one entry costs, in the bytes of a [`Budget`].
const STEP: usize = 16;

type Header = FileHeader64<LittleEndian>;

/// What stands in the first bytes, however damaged the rest.
#[derive(Debug)]
pub(super) struct Identity {
    /// As Rust names it.
    pub(super) arch: String,
    /// The operating system, where it is another one.
    pub(super) system: Option<String>,
}

/// What the dynamic linker would use.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// What it is instead of a library.
    pub(super) program: Option<&'static str>,
    /// Names of libraries.
    pub(super) needed: Vec<String>,
    /// Where it says that they are: RUNPATH, else RPATH.
    pub(super) runpath: Option<String>,
    /// What it asks the loader for that no sandbox gives.
    pub(super) refused: Option<Refused>,
    /// Versions of symbols by library, without those that may be missing.
    pub(super) versions: Vec<(String, Vec<u8>)>,
    /// Versions that it defines.
    pub(super) defines: HashSet<Vec<u8>>,
    /// Symbols that it has.
    pub(super) exports: HashSet<Vec<u8>>,
    /// Symbols that it must find elsewhere.
    pub(super) imports: Vec<Vec<u8>>,
    /// The manifest's section.
    pub(super) manifest: Option<Vec<u8>>,
}

/// Code that is made while it runs, in two disguises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// A stack that can be executed.
    ExecutableStack,
    /// Code that is written to when it is loaded.
    TextRelocations,
}

/// Which machine an ELF file is for; `None` where not even that much of it is there.
pub(super) fn header(data: &[u8]) -> Option<Identity> {
    let &[_, _, _, _, class, order, _, system, ..] = data else { return None };
    let machine = <[u8; 2]>::try_from(data.get(18..20)?).ok()?;
    let (wide, little) = (class == 2, order == 1);
    let machine = if order == 2 { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
    let arch = match (machine, wide, little) {
        (62, true, true) => "x86_64".to_owned(),
        (62, false, _) => "x86_64 with 32-bit pointers (x32)".to_owned(),
        (3, ..) => "i686".to_owned(),
        (183, true, true) => "aarch64".to_owned(),
        (183, true, false) => "aarch64_be".to_owned(),
        (40, ..) => "arm".to_owned(),
        (243, true, _) => "riscv64".to_owned(),
        (21, _, true) => "powerpc64le".to_owned(),
        (22, ..) => "s390x".to_owned(),
        (258, ..) => "loongarch64".to_owned(),
        (other, ..) => format!("an unknown machine ({other})"),
    };
    // Whom the dynamic linker of Linux takes for its own.
    let system = match system {
        0 | 3 => None,
        2 => Some("NetBSD".to_owned()),
        6 => Some("Solaris".to_owned()),
        9 => Some("FreeBSD".to_owned()),
        12 => Some("OpenBSD".to_owned()),
        other => Some(format!("another operating system (ELF OS ABI {other})")),
    };
    Some(Identity { arch, system })
}

/// Everything else; the error says what does not fit.
pub(super) fn facts(data: &[u8]) -> Result<Facts, String> {
    let (mut exports, mut imports) = (HashSet::new(), Vec::new());
    let facts = read(data, |name, defined| match defined {
        true => drop(exports.insert(name.to_owned())),
        false => imports.push(name.to_owned()),
    });
    Ok(Facts { exports, imports, ..facts.map_err(|error| error.to_string())? })
}

/// The same of a library that others need, without its symbols, of which there are thousands: those that are in `missing` are taken
/// out of there.
pub(super) fn library(data: &[u8], missing: &mut HashSet<Vec<u8>>) -> Result<Facts, String> {
    let mut found = Vec::new();
    let facts = read(data, |name, defined| found.extend(defined.then(|| missing.take(name)).flatten()));
    facts.map_err(|error| {
        // Nobody takes anything from a library that is not whole.
        missing.extend(found);
        error.to_string()
    })
}

/// All but the symbols, each of which is handed to `symbol`, and whether it is defined here.
fn read(data: &[u8], mut symbol: impl FnMut(&[u8], bool)) -> Result<Facts, Box<dyn std::error::Error>> {
    let mut budget = Budget::of(data);
    let header = Header::parse(data)?;
    let endian = header.endian()?;
    let mut facts = Facts { program: other_than_a_library(header.e_type(endian)), ..Facts::default() };
    let mut loads = false;
    for segment in header.program_headers(endian, data)? {
        loads |= segment.p_type(endian) == PT_LOAD;
        let (offset, size) = segment.file_range(endian);
        let end = offset.checked_add(size).filter(|end| *end <= data.len() as u64);
        if segment.p_type(endian) == PT_LOAD && end.is_none() {
            return Err("a segment ends beyond the end of the file".into());
        }
        if segment.p_type(endian) == PT_GNU_STACK && segment.p_flags(endian).0 & PF_X.0 != 0 {
            facts.refused = Some(Refused::ExecutableStack);
        }
    }
    let sections = header.sections(endian, data)?;
    if facts.program.is_none() && (!loads || sections.is_empty()) {
        return Err(
            if loads { "it has no table of sections" } else { "nothing of it is to be loaded" }.into()
        );
    }
    for section in sections.iter() {
        // To find no end of a name costs a walk to the end of the file: once is enough.
        let Ok(name) = sections.section_name(endian, section) else { break };
        budget.spend(name)?;
        if name == MANIFEST {
            let text = section.data(endian, data)?;
            budget.spend(text)?;
            facts.manifest = Some(text.to_owned());
            break;
        }
    }

    if let Some((entries, link)) = sections.dynamic(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        for entry in entries {
            let (tag, value) = (entry.d_tag.get(endian), entry.d_val.get(endian));
            if tag == DT_NULL {
                break;
            }
            let mut text = || -> Result<String, Box<dyn std::error::Error>> {
                let name = u32::try_from(value).ok().and_then(|at| strings.get(at).ok());
                Ok(String::from_utf8(budget.take(name.ok_or("a name lies outside")?)?)?)
            };
            match tag {
                DT_NEEDED => facts.needed.push(text()?),
                DT_RUNPATH => facts.runpath = Some(text()?),
                DT_RPATH if facts.runpath.is_none() => facts.runpath = Some(text()?),
                DT_FLAGS_1 if value & DF_1_PIE.0 != 0 => facts.program = Some("a program"),
                DT_TEXTREL => facts.refused = Some(Refused::TextRelocations),
                DT_FLAGS if value & DF_TEXTREL.0 != 0 => facts.refused = Some(Refused::TextRelocations),
                _ => {}
            }
        }
    }

    let symbols = sections.symbols(endian, data, object::elf::SHT_DYNSYM)?;
    for entry in symbols.iter() {
        let bind = entry.st_bind();
        let name = budget.name(entry.name(endian, symbols.strings())?)?;
        if name.is_empty() {
            continue;
        }
        if entry.st_shndx(endian) == SHN_UNDEF {
            if bind == STB_GLOBAL {
                symbol(name, false);
            }
        } else if bind == STB_GLOBAL || bind == STB_WEAK || bind == object::elf::STB_GNU_UNIQUE {
            symbol(name, true);
        }
    }

    if let Some((needs, link)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        needed_versions(endian, needs, &strings, &mut budget, &mut facts)?;
    }
    if let Some((definitions, link)) = sections.gnu_verdef(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        defined_versions(endian, definitions, &strings, &mut budget, &mut facts)?;
    }
    Ok(facts)
}

type Strings<'data> = object::StringTable<'data>;

fn needed_versions(
    endian: LittleEndian,
    mut needs: VerneedIterator<'_, Header>,
    strings: &Strings<'_>,
    budget: &mut Budget,
    facts: &mut Facts,
) -> Result<(), Box<dyn std::error::Error>> {
    while let Some((need, mut versions)) = needs.next()? {
        let file = String::from_utf8(budget.take(need.file(endian, *strings)?)?)?;
        while let Some(version) = versions.next()? {
            budget.spend(file.as_bytes())?;
            if version.vna_flags.get(endian).0 & VER_FLG_WEAK.0 == 0 {
                facts.versions.push((file.clone(), budget.take(version.name(endian, *strings)?)?));
            }
        }
    }
    Ok(())
}

fn defined_versions(
    endian: LittleEndian,
    mut definitions: VerdefIterator<'_, Header>,
    strings: &Strings<'_>,
    budget: &mut Budget,
    facts: &mut Facts,
) -> Result<(), Box<dyn std::error::Error>> {
    while let Some((_, mut names)) = definitions.next()? {
        budget.spend(&[])?;
        // The first is the version, the others are what it inherits from.
        if let Some(name) = names.next()? {
            facts.defines.insert(budget.take(name.name(endian, *strings)?)?);
        }
    }
    Ok(())
}

fn other_than_a_library(kind: FileType) -> Option<&'static str> {
    match kind {
        ET_DYN => None,
        ET_EXEC => Some("a program"),
        ET_REL => Some("an object file that is not linked"),
        _ => Some("a core dump or the like"),
    }
}

/// What reading may cost, in bytes. Tables may overlap, names share their ends, and lists lead in circles: without it a
/// small file could name gigabytes. An honest file is read once, and a few of its names twice.
struct Budget(usize);

impl Budget {
    fn of(data: &[u8]) -> Self {
        Self(data.len().saturating_mul(2).saturating_add(MAX_NAME))
    }

    /// One step, and the bytes that it looks at.
    fn spend(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let cost = bytes.len().saturating_add(STEP);
        self.0 = self.0.checked_sub(cost).ok_or("its tables name more than it is long")?;
        Ok(())
    }

    /// A name that is not too long.
    fn name<'data>(&mut self, name: &'data [u8]) -> Result<&'data [u8], &'static str> {
        if name.len() > MAX_NAME {
            return Err("a name is too long");
        }
        self.spend(name)?;
        Ok(name)
    }

    /// A copy of it.
    fn take(&mut self, name: &[u8]) -> Result<Vec<u8>, &'static str> {
        self.name(name).map(<[u8]>::to_owned)
    }
}
