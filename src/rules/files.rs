//! Files that could not be read or do not mean what they say.
