//! The door to the database: SQLite in a file, PostgreSQL for a team, one text of SQL.
