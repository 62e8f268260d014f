//! How images are built: instructions, stages, contexts.
