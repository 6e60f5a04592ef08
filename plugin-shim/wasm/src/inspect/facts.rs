//! What stands in a file: checked as the engine would, and nothing of it runs.

use valor_abi::MANIFEST_SECTION;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// The two kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A core module.
    Module,
    /// A component.
    Component,
}

/// By the first bytes.
pub(crate) fn kind(artifact: &[u8]) -> Option<Kind> {
    match artifact.strip_prefix(b"\0asm")?.first_chunk()? {
        [_, _, 0, 0] => Some(Kind::Module),
        [_, _, 1, 0] => Some(Kind::Component),
        _ => None,
    }
}

/// The outermost imports, exports and sections.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) kind: Kind,
    /// Module and name; a component's imports have one name.
    pub(super) imports: Vec<(&'a str, &'a str)>,
    pub(super) exports: Vec<&'a str>,
    pub(super) manifest: Option<&'a [u8]>,
    /// The custom section with the names of functions, unread.
    pub(super) names: &'a [u8],
}

impl<'a> Facts<'a> {
    pub(super) fn of(artifact: &'a [u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        Validator::new_with_features(WasmFeatures::default()).validate_all(artifact)?;
        let kind = kind(artifact).unwrap_or(Kind::Module);
        let mut facts = Self { kind, imports: Vec::new(), exports: Vec::new(), manifest: None, names: &[] };
        // Of what is nested, only a manifest counts: linkers leave the sections of a component where they were, in its module.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(artifact) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                    facts.manifest.get_or_insert(section.data());
                }
                Payload::CustomSection(section) if section.name() == "name" && depth == 0 => {
                    facts.names = section.data();
                }
                _ if depth > 0 => {}
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        facts.imports.push((import.module, import.name));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        facts.exports.push(export?.name);
                    }
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        facts.imports.push((import?.name.name, ""));
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        facts.exports.push(export?.name.name);
                    }
                }
                _ => {}
            }
        }
        Ok(facts)
    }
}
