//! The plugin's granted environment variables. The environment was emptied by the daemon before.

use super::{SandboxError, sys};

/// Sets the granted variables.
pub(super) fn apply(variables: &[(String, String)]) -> Result<(), SandboxError> {
    for (name, value) in variables {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(SandboxError::Setup(format!("the environment variable {name:?}")));
        }
        sys::set_env(name, value)?;
    }
    Ok(())
}
