//! What a plugin knows and keeps.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::{Error, VluginConfig};

/// The plugin's configuration and its state: one value of each type. All workers share it.
#[derive(Default)]
pub struct Context {
    data: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    config: Option<VluginConfig>,
    name: String,
}

impl Context {
    pub(crate) fn new(name: &str, config: Option<VluginConfig>) -> Self {
        Self { data: HashMap::new(), config, name: name.to_owned() }
    }

    /// Keeps `value`, instead of an earlier one of the same type. Wrap what changes later in a `Mutex` or an atomic.
    pub fn set<T: Any + Send + Sync>(&mut self, value: T) {
        self.data.insert(TypeId::of::<T>(), Box::new(value));
    }

    /// What was [`set`](Self::set).
    ///
    /// # Panics
    ///
    /// When no value of this type was.
    #[must_use]
    #[expect(clippy::panic, reason = "documented: the author knows what was set")]
    pub fn get<T: Any>(&self) -> &T {
        let Some(value) = self.try_get() else {
            panic!("the context holds no `{}`: `cx.set(..)` it in `on_create`", type_name::<T>())
        };
        value
    }

    /// What was [`set`](Self::set), if it was.
    #[must_use]
    pub fn try_get<T: Any>(&self) -> Option<&T> {
        self.data.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The configuration that the plugin was registered with (`null` when there is none).
    ///
    /// # Errors
    ///
    /// When it is no `T`; the message says where and why.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.config {
            Some(config) => T::deserialize(config).map_err(|e| Error::Config(e.to_string())),
            None => T::deserialize(VluginConfig::Null)
                .map_err(|e| Error::Config(format!("there is none ({e}): register with --config JSON"))),
        }
    }

    /// The configuration as it came.
    #[must_use]
    pub fn raw_config(&self) -> Option<&VluginConfig> {
        self.config.as_ref()
    }

    /// The name that the plugin is registered under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("name", &self.name)
            .field("values", &self.data.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keeps_one_value_of_each_type() {
        let mut cx = Context::new("x", None);
        cx.set(1_u8);
        cx.set(2_u8);
        cx.set("text");
        assert_eq!((cx.get::<u8>(), cx.get::<&str>()), (&2, &"text"));
        assert_eq!(cx.try_get::<u16>(), None);
    }

    #[test]
    fn config_says_what_is_wrong() {
        let cx = Context::new("x", Some(json!({"port": "many"})));
        #[derive(Debug, serde::Deserialize)]
        struct Config {
            #[expect(dead_code, reason = "only its type counts")]
            port: u16,
        }
        let message = cx.config::<Config>().unwrap_err().to_string();
        assert!(message.contains("many"), "{message}");

        let none = Context::new("x", None);
        assert_eq!(none.config::<Option<String>>().unwrap(), None);
        assert!(none.config::<String>().unwrap_err().to_string().contains("--config"));
    }
}
