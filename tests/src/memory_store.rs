//! A store for measuring dispatch: it remembers which endings exist and forgets their bytes.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use store::{Created, Listed, Store, StoreError};

/// Creates once, and keeps keys only.
#[derive(Debug, Default)]
pub struct Forgetful {
    keys: Mutex<HashSet<String>>,
}

#[async_trait]
impl Store for Forgetful {
    async fn create(&self, key: &str, _: Bytes) -> Result<Created, StoreError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(if keys.insert(key.to_owned()) {
            Created::New
        } else {
            Created::Exists
        })
    }

    async fn read(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }

    async fn read_range(&self, key: &str, _: Range<u64>) -> Result<Bytes, StoreError> {
        Err(StoreError::NotFound {
            key: key.to_owned(),
        })
    }

    async fn size(&self, _: &str) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(key))
    }

    async fn list(&self, _: &str) -> Result<Vec<Listed>, StoreError> {
        Ok(Vec::new())
    }

    async fn list_folders(&self, _: &str) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
