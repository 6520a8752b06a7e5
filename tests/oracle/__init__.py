"""The table contract a second time, in DuckDB SQL, sharing no code with the lakehouse."""
