//! The JSON report: `docs/json.md` is its contract.
