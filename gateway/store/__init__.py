"""The hub's database: one SQLite file, one writer, one module of queries per aggregate."""
