//! Lists that are nearly always empty.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// A list that is empty in nearly all of the values that have it, and read as a slice.
///
/// It takes the room of one pointer where a vector takes that of three, which counts in the models of a scan, of whose
/// values there are very many. One that is not empty costs an allocation more.
#[expect(clippy::box_collection, reason = "a vector alone takes three words")]
pub struct Few<T>(Option<Box<Vec<T>>>);

impl<T> Few<T> {
    /// An empty list.
    pub const fn new() -> Self {
        Few(None)
    }

    /// Adds an element at the end.
    pub fn push(&mut self, element: T) {
        self.0.get_or_insert_default().push(element);
    }

    /// Takes the last element away.
    pub fn pop(&mut self) -> Option<T> {
        self.0.as_mut()?.pop()
    }

    /// Gives back the room that it has to spare.
    pub fn shrink_to_fit(&mut self) {
        if let Some(list) = &mut self.0 {
            list.shrink_to_fit();
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(list: Vec<T>) -> Self {
        Few((!list.is_empty()).then(|| Box::new(list)))
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Vec::from_iter(elements).into()
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        let mut elements = elements.into_iter();
        if let Some(first) = elements.next() {
            let list = self.0.get_or_insert_default();
            list.push(first);
            list.extend(elements);
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_deref_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(|list| *list).unwrap_or_default().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Few<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few::new()
    }
}

impl<T: Clone> Clone for Few<T> {
    fn clone(&self) -> Self {
        Few(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: Hash> Hash for Few<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_vector_holds_in_the_room_of_a_pointer() {
        assert_eq!(size_of::<Few<String>>(), size_of::<usize>());
        let mut few: Few<u8> = Few::new();
        assert!(few.is_empty() && few.pop().is_none());
        few.extend([]);
        few.shrink_to_fit();
        assert_eq!(few, Few::from(Vec::new()));
        few.push(1);
        few.extend([2, 3]);
        assert_eq!((&*few, few.clone().into_iter().sum::<u8>()), (&[1, 2, 3][..], 6));
        assert_eq!(few, [1, 2, 3].into_iter().collect());
        few[0] = 4;
        assert_eq!(format!("{few:?}"), "[4, 2, 3]");
        assert_eq!([few.pop(), few.pop(), few.pop(), few.pop()], [Some(3), Some(2), Some(4), None]);
        assert_eq!(few, Few::new(), "what was emptied is as empty as what was never filled");
    }
}
