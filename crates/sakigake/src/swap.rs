use std::sync::{Arc, PoisonError, RwLock};

/// Something that all workers share and somebody may replace while they run, such as a configuration with certificates that
/// expire. What was taken before stays what it was.
#[derive(Debug)]
pub struct Swap<T>(RwLock<Arc<T>>);

impl<T> Swap<T> {
    /// Holds `value` for now.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// What is held now. A panic elsewhere cannot have left it half replaced.
    pub fn now(&self) -> Arc<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Holds `value` from here on.
    pub fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
    /// Holds `value` from here on where `before` is still what is held, so that what somebody else has set meanwhile stays.
    pub fn replace(&self, before: &Arc<T>, value: T) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&held, before) {
            *held = Arc::new(value);
        }
    }
}
