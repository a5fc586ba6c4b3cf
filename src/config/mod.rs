//! The configuration: typed values, every finding at once with line and column.
